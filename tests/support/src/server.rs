use crate::client::Client;
use crate::http::{Answer, http};
use crate::patience::eventually;
use std::net::Ipv4Addr;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use vagus::{Config, ConnectionState, LogControl, ReloadError, Server, Setup, StartError};
use vagus_auth::credentials::Credentials;
use vagus_configs::{Disk, Port};

/// What a client of [`TestServer::connected`] says in CONNECT.
const CONNECT: &str = r#"{"verbose":false,"pedantic":false,"headers":true,"no_responders":true}"#;

/// A server that is yet to be started: on 127.0.0.1, on a free port, otherwise as by default.
pub fn server() -> ServerBuilder {
    let mut config = Config::default();
    config.clients.listen.host = "127.0.0.1".to_owned();
    config.clients.listen.port = Port::Free;
    ServerBuilder { config, log: None }
}

/// How a server is to be set.
#[derive(Clone)]
#[must_use]
pub struct ServerBuilder {
    config: Config,
    log: Option<Arc<dyn LogControl>>,
}

/// A running server, and the connections that [`TestServer::connected_on`] had to open on the way.
#[derive(Debug)]
pub struct TestServer {
    server: Server,
    others: Mutex<Vec<Client>>,
}

impl ServerBuilder {
    /// The address to listen on.
    pub fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.config.clients.listen.host);
        self
    }

    /// The port to listen on.
    pub fn port(mut self, port: u16) -> Self {
        self.config.clients.listen.port = Port::Fixed(port);
        self
    }

    /// How many arbiters carry connections.
    pub fn arbiters(mut self, count: usize) -> Self {
        self.config.arbiters = count;
        self
    }

    /// The most bytes a message may have.
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.config.limits.max_payload = bytes;
        self
    }

    /// The most bytes the arguments of a control line may have.
    pub fn max_control_line(mut self, bytes: usize) -> Self {
        self.config.limits.max_control_line = bytes;
        self
    }

    /// The most connections there may be.
    pub fn max_connections(mut self, count: usize) -> Self {
        self.config.limits.max_connections = count;
        self
    }

    /// The most subscriptions a connection may have.
    pub fn max_subscriptions(mut self, count: usize) -> Self {
        self.config.limits.max_subscriptions = count;
        self
    }

    /// The most tokens the subject of a subscription may have.
    pub fn max_subscription_tokens(mut self, count: usize) -> Self {
        self.config.limits.max_subscription_tokens = count;
        self
    }

    /// The most bytes that may wait for a connection.
    pub fn max_pending(mut self, bytes: usize) -> Self {
        self.config.limits.max_pending = bytes;
        self
    }

    /// How long what waits for a connection may take to be written.
    pub fn write_deadline(mut self, deadline: Duration) -> Self {
        self.config.limits.write_deadline = deadline;
        self
    }

    /// How often a silent connection is asked whether it is there, and how often it may not answer.
    pub fn pings(mut self, interval: Duration, unanswered: u32) -> Self {
        self.config.limits.ping_interval = interval;
        self.config.limits.ping_max = unanswered;
        self
    }

    /// How long a connection may take to say who it is.
    pub fn auth_timeout(mut self, timeout: Duration) -> Self {
        self.config.clients.auth_timeout = timeout;
        self
    }

    /// Shows its state over HTTP, on a free port: see [`TestServer::get`].
    pub fn monitoring(mut self) -> Self {
        self.config.monitoring.http = Some(Port::Free);
        self
    }

    /// What the paths of monitoring begin with.
    pub fn http_base_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.config.monitoring.base_path);
        self
    }

    /// What the names of nats-server's metrics begin with.
    pub fn metrics_prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.config.metrics.prefix);
        self
    }

    /// Shows connections one by one among its metrics.
    pub fn metrics_of_connections(mut self) -> Self {
        self.config.metrics.connections = true;
        self
    }

    /// How many connections that ended it remembers.
    pub fn max_closed_clients(mut self, count: usize) -> Self {
        self.config.monitoring.max_closed_clients = count;
        self
    }

    /// Lets only this user in.
    pub fn user(mut self, user: &str, password: &str) -> Self {
        self.config.clients.credentials = Credentials::User {
            name: user.to_owned(),
            password: password.to_owned(),
        };
        self
    }

    /// Lets only those with this token in.
    pub fn token(mut self, token: &str) -> Self {
        self.config.clients.credentials = Credentials::Token(token.to_owned());
        self
    }

    /// Whom it admits, and what each may do.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.config.clients.credentials = credentials;
        self
    }

    /// How long lame duck mode takes: the time until the last is closed, and that until the first is.
    pub fn lame_duck(mut self, duration: Duration, grace_period: Duration) -> Self {
        self.config.lame_duck.duration = duration;
        self.config.lame_duck.grace_period = grace_period;
        self
    }

    /// The TLS that clients speak.
    pub fn tls(mut self, settings: vagus_tls::Settings) -> Self {
        self.config.clients.tls = Some(settings);
        self
    }

    /// Lets a proxy say for whom it connects.
    pub fn proxy_protocol(mut self) -> Self {
        self.config.clients.proxy_protocol = true;
        self
    }

    /// Offers no headers.
    pub fn without_headers(mut self) -> Self {
        self.config.limits.headers = false;
        self
    }

    /// Sets what there is no word for here.
    pub fn set(mut self, set: impl FnOnce(&mut Config)) -> Self {
        set(&mut self.config);
        self
    }

    /// As this text of a configuration file says, but for where it listens.
    ///
    /// # Panics
    /// When no server can be set so.
    #[track_caller]
    pub fn configured(mut self, text: &str) -> Self {
        self.config = configuration(text, &self.config);
        self
    }

    /// Lets administrators set this log.
    pub fn log(mut self, log: Arc<dyn LogControl>) -> Self {
        self.log = Some(log);
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn start(self) -> TestServer {
        match self.try_start() {
            Ok(server) => server,
            Err(error) => panic!("the server does not start: {error}"),
        }
    }

    /// Starts it, if it does.
    ///
    /// # Errors
    /// When it does not.
    pub fn try_start(self) -> Result<TestServer, StartError> {
        let setup = Setup {
            log: self.log,
            ..Setup::default()
        };
        let server = Server::start_in(self.config, setup);
        Ok(TestServer {
            server: server?,
            others: Mutex::default(),
        })
    }
}

/// What a text says, of a server that listens where this one does.
#[track_caller]
fn configuration(text: &str, listening: &Config) -> Config {
    let loaded = match vagus_configs::parse(text, Path::new("test.conf"), &Disk, &|_: &str| None) {
        Ok(loaded) => loaded,
        Err(error) => panic!("{error}"),
    };
    if let Some(obstacle) = loaded.obstacles.first() {
        panic!("{obstacle}");
    }
    let mut config = loaded.config;
    config.clients.listen = listening.clients.listen.clone();
    config.monitoring.http = config.monitoring.http.or(listening.monitoring.http);
    config.arbiters = listening.arbiters;
    config
}

impl TestServer {
    /// Sets the server as this text of a configuration file says, but for where it listens.
    ///
    /// # Panics
    /// When it cannot be set so.
    #[track_caller]
    pub fn reconfigure(&self, text: &str) {
        if let Err(error) = self.try_reconfigure(text) {
            panic!("{error}");
        }
    }

    /// The same, where it may be that it cannot be set so.
    ///
    /// # Errors
    /// Why it cannot.
    #[track_caller]
    pub fn try_reconfigure(&self, text: &str) -> Result<(), ReloadError> {
        let current = self.reloads().expect("the server runs").current;
        self.reload(configuration(text, &current.config)).map(drop)
    }

    /// A client that has read INFO and said nothing.
    #[track_caller]
    pub fn client(&self) -> Client {
        Client::to(self.client_address())
    }

    /// The same, from another address of this machine than others: 127.0.0.`last`.
    #[track_caller]
    pub fn client_from(&self, last: u8) -> Client {
        let source = Ipv4Addr::new(127, 0, 0, last);
        Client::from_address(source.into(), self.client_address())
    }

    /// A client that is in: quiet, with headers, told when nobody responds.
    #[track_caller]
    pub fn connected(&self) -> Client {
        let mut client = self.client().connect(CONNECT);
        client.sync_silent();
        client
    }

    /// Like [`TestServer::connected`], on a certain arbiter: opens connections, and keeps them, until the
    /// listener places one there. No other thread may connect meanwhile.
    #[track_caller]
    pub fn connected_on(&self, arbiter: usize) -> Client {
        loop {
            let before = self.placed();
            let client = self.connected();
            let after = self.placed();
            if after[arbiter] > before[arbiter] {
                return client;
            }
            self.others
                .lock()
                .expect("no test goes on after a panic")
                .push(client);
        }
    }

    /// A client that is in, and for which the system keeps only a few KiB while it does not read.
    #[track_caller]
    pub fn connected_with_little_room(&self) -> Client {
        let mut client = Client::with_receive_buffer(self.client_address(), Some(4096)).connect(CONNECT);
        client.sync_silent();
        client
    }

    /// The answer of monitoring to a GET of this path.
    ///
    /// # Panics
    /// When the server has no [monitoring](ServerBuilder::monitoring), or does not answer.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        let address = self.monitor_address().expect("the server has monitoring");
        http(address, "GET", path, &[])
    }

    /// The state of the connection that called itself `name` in CONNECT.
    pub fn connection(&self, name: &str) -> Option<ConnectionState> {
        self.connections()
            .into_iter()
            .find(|connection| connection.client.name == name)
    }

    /// How many bytes wait for the connection for which most do.
    pub fn most_pending(&self) -> usize {
        self.connections()
            .iter()
            .map(|connection| connection.pending)
            .max()
            .unwrap_or(0)
    }

    /// Waits until nothing is left of connections, subscriptions and queue groups.
    ///
    /// # Panics
    /// When something stays.
    #[track_caller]
    pub fn expect_nothing_left(&self) {
        self.others.lock().expect("no test goes on after a panic").clear();
        eventually(|| {
            let nobody = self.connections().is_empty() && self.placed().iter().all(|count| *count == 0);
            let monitored = self.monitor().map(|monitor| monitor.connections);
            let no_interest = self.router().is_some_and(|router| {
                router.subscriptions == 0
                    && router.queue_groups == 0
                    && router.waiting_changes == 0
                    && router.settling == 0
            });
            nobody && no_interest && monitored == Some(0)
        });
    }

    /// Somebody who comes now is served, on every arbiter that gets new connections.
    ///
    /// # Panics
    /// When it is not so.
    #[track_caller]
    pub fn expect_to_serve(&self) {
        let mut clients = [self.connected(), self.connected()];
        for client in &mut clients {
            client.subscribe("is.served", "1");
        }
        clients[0].send("PUB is.served 3\r\nyes");
        for client in &mut clients {
            client.expect("MSG is.served 1 3\r\nyes");
            client.sync_silent();
        }
    }

    /// Stops it.
    pub fn shutdown(self) {
        self.server.shutdown();
    }

    /// How many connections each arbiter carries.
    #[track_caller]
    fn placed(&self) -> Vec<u64> {
        self.listener().expect("the listener lives").connections
    }
}

impl Deref for TestServer {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}
