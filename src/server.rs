//! The broker as a value.

use crate::bootstrap::{self, Running};
use crate::identity::ServerIdentity;
use crate::reload::Setup;
use crate::stapling::StaplingError;
use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;
use vagus_actors::Observe;
use vagus_actors::cluster::ClusterState;
use vagus_actors::connectors::ConnectorState;
use vagus_actors::gateways::{ListRemoteClusters, RemoteClusterState};
use vagus_actors::jetstream::OpenError;
use vagus_actors::lame_duck::{EnterLameDuck, LameDuckState, OnceEnded};
use vagus_actors::leafnodes::{HubState, ListHubs};
use vagus_actors::listener::ListenerState;
use vagus_actors::monitor::{CloseConnection, MonitorState};
use vagus_actors::observed::{ConnectionState, Extent};
use vagus_actors::queue_group::QueueGroupState;
use vagus_actors::reload::{Content, Keep, Outcome, Propose, Reach, ReloadError, ReloadState};
use vagus_actors::router::{ListHotSubjects, ListQueueGroups, RouterState};
use vagus_actors::subject::SubjectState;
use vagus_auth::credentials::GateError;
use vagus_configs::Config;
use vagus_delivery::arbiter::Traffic;
use vagus_routing::ConnectionId;
use vagus_tls::TlsError;

/// How long it may take to tell the system account that the server ends.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A running broker. It stops when it is dropped.
pub struct Server {
    identity: ServerIdentity,
    name: String,
    running: Running,
    thread: Option<JoinHandle<()>>,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another program has the port, or the address is not of this machine: the operator's to mend.
    #[error("Error listening on port: {address}, \"{source}\"")]
    Listen {
        /// Where it was to listen.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The port of monitoring cannot be listened on: the operator's to mend.
    #[error("can't listen to the monitor port: {address}, \"{source}\"")]
    ListenForMonitoring {
        /// Where it was to listen.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// Monitoring over HTTPS needs the certificate that clients are shown.
    #[error("TLS cert and key required for HTTPS")]
    HttpsWithoutTls,
    /// The port of the admin service cannot be listened on: the operator's to mend.
    #[error("Error listening on admin port: {address}, \"{source}\"")]
    ListenForAdmin {
        /// Where it was to listen.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The admin service would be open to others: the operator's to mend.
    #[error("The admin service has no users, and {address} is not an address of this machine alone")]
    OpenAdmin {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// The port of WebSocket cannot be listened on: the operator's to mend.
    #[error("Unable to listen for websocket connections: {address}, \"{source}\"")]
    ListenForWebSocket {
        /// Where it was to listen.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The port of routes cannot be listened on: the operator's to mend.
    #[error("Error listening on router port: {address}, \"{source}\"")]
    ListenForRoutes {
        /// Where it was to listen.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The port of leaf nodes cannot be listened on: the operator's to mend.
    #[error("Error listening on leafnode port: {address}, \"{source}\"")]
    ListenForLeafNodes {
        /// Where it was to listen.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The port of gateways cannot be listened on: the operator's to mend.
    #[error("Error listening on gateway port: {address}, \"{source}\"")]
    ListenForGateways {
        /// Where it was to listen.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// A connector cannot listen where it is to: the operator's to mend.
    #[error("Error listening on the port of connector {id:?}: {address}, \"{source}\"")]
    ListenForConnector {
        /// The connector.
        id: String,
        /// Where it was to listen.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The credentials cannot be used: the operator's to mend.
    #[error(transparent)]
    Credentials(#[from] GateError),
    /// There is no token of the system account that can be believed: the operator's to mend.
    #[error("error resolving system account: account missing")]
    SystemAccount,
    /// TLS cannot be spoken as it is set: the operator's to mend.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The state of a certificate, of which clients are to be told, is not known or not good.
    #[error(transparent)]
    Stapling(#[from] StaplingError),
    /// The streams that are to be kept cannot be: the operator's to mend.
    #[error("JetStream: {0}")]
    JetStream(#[from] OpenError),
    /// The system has no threads, descriptors or randomness left.
    #[error("Cannot start: {0}")]
    System(#[from] io::Error),
}

impl StartError {
    /// That a port cannot be listened on, said of the admin service.
    pub(crate) fn admin(error: Self) -> Self {
        match error {
            Self::Listen { address, source } => Self::ListenForAdmin { address, source },
            other => other,
        }
    }

    /// That a port cannot be listened on, said of WebSocket.
    pub(crate) fn websocket(error: Self) -> Self {
        match error {
            Self::Listen { address, source } => Self::ListenForWebSocket { address, source },
            other => other,
        }
    }

    /// That a port cannot be listened on, said of routes.
    pub(crate) fn cluster(error: Self) -> Self {
        match error {
            Self::Listen { address, source } => Self::ListenForRoutes { address, source },
            other => other,
        }
    }

    /// That a port cannot be listened on, said of leaf nodes.
    pub(crate) fn leafnodes(error: Self) -> Self {
        match error {
            Self::Listen { address, source } => Self::ListenForLeafNodes { address, source },
            other => other,
        }
    }

    /// That a port cannot be listened on, said of gateways.
    pub(crate) fn gateway(error: Self) -> Self {
        match error {
            Self::Listen { address, source } => Self::ListenForGateways { address, source },
            other => other,
        }
    }

    /// That a port cannot be listened on, said of a connector.
    pub(crate) fn of_connector(self, id: &str) -> Self {
        match self {
            Self::Listen { address, source } => Self::ListenForConnector {
                id: id.to_owned(),
                address,
                source,
            },
            other => other,
        }
    }

    /// That a port cannot be listened on, said of monitoring.
    pub(crate) fn monitoring(error: Self) -> Self {
        match error {
            Self::Listen { address, source } => Self::ListenForMonitoring { address, source },
            other => other,
        }
    }
}

impl Server {
    /// Starts a broker that accepts connections when this returns.
    ///
    /// # Errors
    /// When it cannot listen where it is told to, or the system gives it nothing to run on.
    pub fn start(config: Config) -> Result<Self, StartError> {
        Self::start_in(config, Setup::default())
    }

    /// The same, for a server whose configuration comes from somewhere, and may come from there again.
    ///
    /// # Errors
    /// When it cannot listen where it is told to, or the system gives it nothing to run on.
    pub fn start_in(config: Config, setup: Setup) -> Result<Self, StartError> {
        let identity = ServerIdentity::generate()?;
        let name = config
            .server_name
            .clone()
            .unwrap_or_else(|| identity.id().to_owned());
        let (thread, running) = bootstrap::start(config, setup, &identity, &name)?;
        Ok(Self {
            identity,
            name,
            running,
            thread: Some(thread),
        })
    }

    /// Sets the server otherwise while it runs, as far as that can be: all of it, or nothing and why.
    ///
    /// # Errors
    /// Why it was not. Nothing has changed then.
    pub fn reload(&self, config: Config) -> Result<Outcome, ReloadError> {
        self.propose(Propose {
            content: Content::Config(Box::new(config)),
            by: "program".to_owned(),
            expected: Vec::new(),
            reach: Reach::Machine,
            dry_run: false,
            keep: Keep::Memory,
        })
    }

    /// Proposes to set the server otherwise.
    ///
    /// # Errors
    /// Why it was not followed. Nothing has changed then.
    pub fn propose(&self, propose: Propose) -> Result<Outcome, ReloadError> {
        self.ask(&self.running.reload, propose)
            .unwrap_or_else(|| Err(ReloadError::Unavailable("the server is about to stop".to_owned())))
    }

    /// How the server is set, and was.
    pub fn reloads(&self) -> Option<ReloadState> {
        self.ask(&self.running.reload, Observe::<ReloadState>::new())
    }

    /// Where clients connect; the port is the real one, also if any free one was asked for.
    pub fn client_address(&self) -> SocketAddr {
        self.running.client_address
    }

    /// Where clients connect that speak WebSocket; the port is the real one. None if none may.
    pub fn websocket_address(&self) -> Option<SocketAddr> {
        self.running.websocket_address
    }

    /// Where other servers of the cluster connect; the port is the real one. None if it is in none.
    pub fn cluster_address(&self) -> Option<SocketAddr> {
        Some(self.running.cluster.as_ref()?.address)
    }

    /// The state of the cluster; None if it is in none.
    pub fn cluster(&self) -> Option<ClusterState> {
        let cluster = &self.running.cluster.as_ref()?.cluster;
        self.ask(cluster, Observe::<ClusterState>::new())
    }

    /// The state of the Monitor of routes; None if the server is in no cluster.
    pub fn route_monitor(&self) -> Option<MonitorState> {
        let routes = &self.running.cluster.as_ref()?.routes;
        self.ask(routes, Observe::<MonitorState>::new())
    }

    /// Where leaf nodes connect; the port is the real one. None if they may not.
    pub fn leafnode_address(&self) -> Option<SocketAddr> {
        self.running.links.address
    }

    /// How many links there are to leaf nodes and hubs.
    pub fn links(&self) -> usize {
        self.running.links.all.count()
    }

    /// The hubs of the configuration, and how far dialling each has come.
    pub fn hubs(&self) -> Option<Vec<HubState>> {
        self.ask(&self.running.links.leafnodes, ListHubs)
    }

    /// The state of the Monitor of links to leaf nodes and hubs.
    pub fn link_monitor(&self) -> Option<MonitorState> {
        self.ask(&self.running.links.links, Observe::<MonitorState>::new())
    }

    /// Where servers of other clusters connect; the port is the real one. None if there are none.
    pub fn gateway_address(&self) -> Option<SocketAddr> {
        Some(self.running.gateways.as_ref()?.address)
    }

    /// How many connections there are to other clusters, and how many from there.
    pub fn gateways(&self) -> (usize, usize) {
        let gateways = self.running.gateways.as_ref();
        gateways.map_or((0, 0), |gateways| gateways.clusters.count())
    }

    /// The other clusters that are known, by name, and how far dialling each has come.
    pub fn remote_clusters(&self) -> Option<Vec<RemoteClusterState>> {
        self.ask(&self.running.gateways.as_ref()?.gateways, ListRemoteClusters)
    }

    /// The state of the Monitor of gateway connections; None if there are no other clusters.
    pub fn gateway_monitor(&self) -> Option<MonitorState> {
        let connections = &self.running.gateways.as_ref()?.connections;
        self.ask(connections, Observe::<MonitorState>::new())
    }

    /// The state of each connector, by id.
    pub fn connectors(&self) -> Vec<ConnectorState> {
        let connectors = self.running.admin.broker.connectors.get().cloned();
        let asked = async move { connectors?.states().await };
        self.wait_for(asked).flatten().unwrap_or_default()
    }

    /// Where monitoring over HTTP is; the port is the real one. None if it is not served.
    pub fn monitor_address(&self) -> Option<SocketAddr> {
        self.running.admin.monitoring_addresses().0
    }

    /// Where monitoring over HTTPS is; the port is the real one. None if it is not served.
    pub fn secure_monitor_address(&self) -> Option<SocketAddr> {
        self.running.admin.monitoring_addresses().1
    }

    /// Where the admin service is; the port is the real one. None if there is none.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.running.admin.service.address
    }

    /// The server's public key, 56 letters.
    pub fn id(&self) -> &str {
        self.identity.id()
    }

    /// What the server is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What passed through the server since its start.
    pub fn traffic(&self) -> Traffic {
        self.running.arbiters.traffic()
    }

    /// The state of the Router of the global account.
    pub fn router(&self) -> Option<RouterState> {
        self.ask(&self.running.router, Observe::<RouterState>::new())
    }

    /// The state of the Router of the account of this name; None if there is no such account.
    pub fn router_of(&self, account: &str) -> Option<RouterState> {
        let accounts = &self.running.accounts;
        let account = accounts.get(accounts.directory().find(account)?.id())?;
        self.ask(&account.router, Observe::<RouterState>::new())
    }

    /// The state of the Monitor.
    pub fn monitor(&self) -> Option<MonitorState> {
        self.ask(&self.running.monitor, Observe::<MonitorState>::new())
    }

    /// The state of the Listener of clients.
    pub fn listener(&self) -> Option<ListenerState> {
        self.ask(&self.running.listener, Observe::<ListenerState>::new())
    }

    /// How far the server is in taking leave of its clients.
    pub fn lame_duck(&self) -> Option<LameDuckState> {
        self.ask(&self.running.lame_duck, Observe::<LameDuckState>::new())
    }

    /// Begins to take leave of the clients: nobody can connect any more, those who are connected are told, and closed
    /// one by one after a while. False if that has begun before.
    pub fn enter_lame_duck_mode(&self) -> bool {
        self.ask(&self.running.lame_duck, EnterLameDuck).unwrap_or(false)
    }

    /// Has this called once, when lame duck mode has left nobody connected. It should be short: the server's first
    /// arbiter calls it. The server is still there then, and to be stopped.
    pub fn once_lame_duck_mode_ended(&self, call: impl FnOnce() + Send + 'static) {
        self.ask(&self.running.lame_duck, OnceEnded(Box::new(call)));
    }

    /// Has this called once, when the authority of a certificate says that it is not good, and the server is not to go
    /// on with one that is not (OCSP stapling, mode always or must). The server is to be stopped then.
    pub fn once_certificate_not_good(&self, call: impl FnOnce() + Send + 'static) {
        self.running.secured.stapler.once_not_good(call);
    }

    /// The state of each open connection.
    pub fn connections(&self) -> Vec<ConnectionState> {
        let observatory = self.running.admin.broker.observatory.clone();
        self.wait_for(async move {
            let observed = observatory.connections(0, usize::MAX, Extent::State).await;
            observed.into_iter().map(|connection| connection.state).collect()
        })
        .unwrap_or_default()
    }

    /// The state of each connection to another cluster, and from there.
    pub fn gateway_connections(&self) -> Vec<ConnectionState> {
        let observatory = self.running.admin.broker.observatory.clone();
        self.wait_for(async move {
            let observed = observatory.gateways(usize::MAX).await;
            observed.into_iter().map(|connection| connection.state).collect()
        })
        .unwrap_or_default()
    }

    /// The state of each subject that has traffic.
    pub fn hot_subjects(&self) -> Vec<SubjectState> {
        let subjects = self
            .ask(&self.running.router, ListHotSubjects)
            .unwrap_or_default();
        self.observe_each(subjects)
    }

    /// The state of each queue group that has members.
    pub fn queue_groups(&self) -> Vec<QueueGroupState> {
        let groups = self
            .ask(&self.running.router, ListQueueGroups)
            .unwrap_or_default();
        self.observe_each(groups)
    }

    /// Closes a connection; false if there is no such.
    pub fn close_connection(&self, id: ConnectionId, reason: crate::CloseReason) -> bool {
        self.ask(&self.running.monitor, CloseConnection { id, reason })
            .unwrap_or(false)
    }

    /// Closes every connection and ends the broker's threads.
    pub fn shutdown(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        if let Some(service) = self.running.system_service.take() {
            // Nobody waits long for it.
            let _ = self.wait_for(async move {
                let told = service.tell_of_shutdown();
                let _ = tokio::time::timeout(LAST_WORDS, told).await;
            });
        }
        if let Some(jetstream) = self.running.streams.take() {
            log::info!("Initiating JetStream Shutdown...");
            let _ = self.wait_for(async move { jetstream.close().await });
            log::info!("JetStream Shutdown");
        }
        self.running.streams.wait_for_end();
        let admin = &mut self.running.admin;
        for service in [admin.monitoring.take(), admin.service.service.take()]
            .into_iter()
            .flatten()
        {
            // Its thread ends with the System, but not at once.
            let _ = self.wait_for(service.stop());
        }
        if let Some(clients) = &self.running.secured.clients {
            clients.keep();
        }
        self.running.system.stop();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }

    /// Asks an actor and waits for its answer; None if it is gone.
    fn ask<A, M>(&self, actor: &Addr<A>, message: M) -> Option<M::Result>
    where
        A: Actor + Handler<M>,
        A::Context: ToEnvelope<A, M>,
        M: actix::Message + Send + 'static,
        M::Result: Send,
    {
        let answer = actor.send(message);
        self.wait_for(async move { answer.await.ok() }).flatten()
    }

    /// Asks actors for their states; one that has gone meanwhile is left out.
    fn observe_each<A, S>(&self, actors: Vec<Addr<A>>) -> Vec<S>
    where
        A: Actor + Handler<Observe<S>>,
        A::Context: ToEnvelope<A, Observe<S>>,
        S: Send + 'static,
    {
        self.wait_for(async move {
            let mut states = Vec::with_capacity(actors.len());
            for actor in actors {
                states.extend(actor.send(Observe::new()).await.ok());
            }
            states
        })
        .unwrap_or_default()
    }

    /// Runs a future on the broker's first arbiter and waits for what it gives.
    fn wait_for<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (send, receive) = mpsc::channel();
        self.running.system.arbiter().spawn(async move {
            // Nobody waits any more: nothing to do about it.
            let _ = send.send(future.await);
        });
        receive.recv().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Server")
            .field("name", &self.name)
            .field("client_address", &self.running.client_address)
            .finish_non_exhaustive()
    }
}
