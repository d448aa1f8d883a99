//! A server with two accounts. No configuration says so yet, so its actors are put together here.

use actix::prelude::*;
use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use vagus_actors::connection::Surroundings;
use vagus_actors::listener::Listener;
use vagus_actors::monitor::Monitor;
use vagus_actors::placement::Placed;
use vagus_actors::reception::Reception;
use vagus_actors::{Accounts, SlowWork, keep_house};
use vagus_auth::credentials::{ConnectionType, ConnectionTypes, Credentials, Gate, Proof, User};
use vagus_configs::{Limits, WriteTimeout};
use vagus_delivery::Live;
use vagus_delivery::arbiter::{ArbiterState, Arbiters, LocalArbiter, Traffic};
use vagus_delivery::bounds::Bounds;
use vagus_nats::{ClientSettings, Nats, UserAccounts};
use vagus_protocol::info::Info;
use vagus_test_support::{Client, PATIENCE};

/// Everybody speaks NATS, on one arbiter; the Routers are on another thread.
pub(crate) struct World {
    address: SocketAddr,
    arbiters: Arc<Arbiters>,
}

/// Runs a test beside such a server.
pub(crate) fn check(test: impl FnOnce(&World) + Send + 'static) {
    System::new().block_on(async {
        let arbiters = Arc::new(Arbiters::new(2));
        let accounts = Arc::new(Accounts::start(arbiters.clone()));
        let other = accounts.open("OTHER");
        let users = UserAccounts::global(accounts.global().account.clone()).with("other", other);
        let live = Arc::new(Live::new(settings(users)));
        let surroundings = Arc::new(Surroundings {
            accounts,
            monitor: Monitor::new(10).start(),
            bounds: Arc::new(Live::new(bounds())),
            slow_work: SlowWork::start().unwrap(),
        });
        let socket = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        let reception = receive_elsewhere(arbiters.clone(), surroundings, live);
        let listener = Listener::new(socket, vec![reception], arbiters.clone());
        let _listener = listener.unwrap().start();
        let world = World { address, arbiters };
        tokio::task::spawn_blocking(move || test(&world)).await.unwrap();
    });
}

fn receive_elsewhere(
    arbiters: Arc<Arbiters>,
    surroundings: Arc<Surroundings>,
    live: Arc<Live<ClientSettings>>,
) -> Recipient<Placed> {
    let (ready, is_ready) = std::sync::mpsc::channel();
    Arbiter::new().spawn_fn(move || {
        let arbiter: LocalArbiter = Rc::new(RefCell::new(ArbiterState::new(1, arbiters, 1, 4096)));
        keep_house(arbiter.clone(), surroundings.accounts.clone());
        let reception = Reception::new(Nats::new(live), arbiter, surroundings).start();
        ready.send(reception.recipient()).unwrap();
    });
    is_ready.recv().unwrap()
}

fn settings(accounts: UserAccounts) -> ClientSettings {
    let limits = Limits::default();
    let user = |name: &str| User {
        proof: Proof::Password {
            name: name.to_owned(),
            password: "p".to_owned(),
        },
        permissions: None,
        connection_types: ConnectionTypes::default(),
    };
    let credentials = Credentials::Users {
        users: vec![user("one"), user("other")],
        no_auth_user: None,
        default_permissions: None,
    };
    ClientSettings {
        info: Info {
            max_payload: limits.max_payload,
            headers: true,
            ..Info::default()
        },
        limits,
        gate: Arc::new(Gate::new(credentials).unwrap()),
        accounts,
        connection: ConnectionType::Standard,
        auth_timeout: PATIENCE,
        tls: None,
        proxy_protocol: false,
        max_traced_payload: 0,
        trace_headers: false,
        answered: Arc::default(),
    }
}

fn bounds() -> Bounds {
    Bounds {
        write_deadline: PATIENCE,
        max_pending: 64 * 1024 * 1024,
        max_connections: 1000,
        write_timeout: WriteTimeout::Close,
        stalls_publishers: true,
        longest_line: 4096,
    }
}

impl World {
    /// A client of a user, `one` or `other`, which belongs to the account of that user.
    pub(crate) fn client(&self, user: &str) -> Client {
        let mut client = Client::to(self.address).connect(&options(user));
        client.sync();
        // Its own, as it asked for INFO at any time.
        client.read_info();
        client
    }

    /// What passed through the server.
    pub(crate) fn traffic(&self) -> Traffic {
        self.arbiters.traffic()
    }
}

/// What a user says in CONNECT.
pub(crate) fn options(user: &str) -> String {
    format!(
        r#"{{"verbose":false,"user":"{user}","pass":"p","headers":true,"no_responders":true,"protocol":1}}"#
    )
}
