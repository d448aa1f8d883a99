//! A broker of NATS, on the wires of whose clients layers are put.

use crate::framing::Framing;
use actix::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use vagus_actors::connection::Surroundings;
use vagus_actors::connection_events::ConnectionEvents;
use vagus_actors::dialling::{Dialling, DiallingState, StopDialling};
use vagus_actors::listener::Listener;
use vagus_actors::monitor::Monitor;
use vagus_actors::placement::Placed;
use vagus_actors::reception::{Arrived, Language, Opened, Opening, Reception, Unopened};
use vagus_actors::{Accounts, Observe, SlowWork, keep_house};
use vagus_auth::credentials::{ConnectionType, Credentials, Gate};
use vagus_auth::proxies::TrustedProxies;
use vagus_configs::{Limits, WriteTimeout};
use vagus_delivery::Live;
use vagus_delivery::arbiter::{ArbiterState, Arbiters, LocalArbiter};
use vagus_delivery::bounds::Bounds;
use vagus_delivery::dialer::Dialer;
use vagus_delivery::wire::{Direction, Entrance};
use vagus_nats::{ClientSettings, ClientTls, Nats, NatsSession};
use vagus_protocol::error::CloseReason;
use vagus_protocol::info::Info;
use vagus_routing::ConnectionId;
use vagus_tls::{Connector, Settings};

/// How many connections the first arbiter has before the second gets one.
pub(crate) const PACKED: usize = 64;

/// How much a socket takes that its peer does not read; the system makes it twice as much.
const SEND_BUFFER: usize = 16 * 1024;

/// What is on the wires of a broker's clients.
#[derive(Clone, Default)]
pub(crate) struct Layers {
    /// The header of a proxy, before everything.
    pub(crate) proxy_protocol: bool,
    /// TLS with those who connect to us.
    pub(crate) tls: Option<Settings>,
    /// TLS with those we connect to, who are called `localhost`.
    pub(crate) connector: Option<Connector>,
    /// They say a line before the handshake.
    pub(crate) after_info: bool,
    /// Frames, on top of it.
    pub(crate) framed: bool,
}

/// NATS, as it is spoken on such wires.
#[derive(Clone)]
struct Layered {
    nats: Nats,
    connector: Option<Connector>,
    after_info: bool,
    framed: bool,
}

impl Layered {
    fn on(layers: &Layers, accounts: &Accounts) -> Self {
        let limits = Limits::default();
        let settings = ClientSettings {
            info: Info {
                max_payload: limits.max_payload,
                ..Info::default()
            },
            limits,
            gate: Arc::new(Gate::new(Credentials::Open).unwrap()),
            trusted_proxies: TrustedProxies::default(),
            accounts: accounts.directory().clone(),
            claimed_accounts: None,
            auth_callout: None,
            callout_means: None,
            connection: ConnectionType::WebSocket,
            auth_timeout: Duration::from_secs(60),
            tls: layers
                .tls
                .as_ref()
                .map(|tls| Arc::new(ClientTls::new(tls).unwrap())),
            websocket: None,
            proxy_protocol: layers.proxy_protocol,
            max_traced_payload: 0,
            trace_headers: false,
            tags: Vec::new(),
            metadata: BTreeMap::new(),
            answered: Arc::default(),
            events: ConnectionEvents::default(),
        };
        Self {
            nats: Nats::new(Arc::new(Live::new(settings))),
            connector: layers.connector.clone(),
            after_info: layers.after_info,
            framed: layers.framed,
        }
    }

    fn finish(&self, mut opened: Opened<NatsSession>) -> Opened<NatsSession> {
        if self.framed {
            opened.entrance.push(Framing::new);
        }
        opened
    }

    async fn secure(&self, connector: &Connector, entrance: &mut Entrance) -> Result<(), CloseReason> {
        let until = Instant::now() + Duration::from_secs(60);
        while self.after_info && !entrance.early().ends_with(b"\r\n") {
            let came = entrance.hear(until).await;
            came.map_err(|_| CloseReason::ReadError)?;
        }
        entrance.take(entrance.early().len());
        let secured = entrance
            .secure_as_client(connector, "localhost", until, None)
            .await;
        secured.map_err(|_| CloseReason::TlsHandshakeFailure)
    }
}

impl Language for Layered {
    type Session = NatsSession;

    fn open(&mut self, mut entrance: Entrance) -> Opening<NatsSession> {
        let mut this = self.clone();
        if entrance.direction() == Direction::Dialled
            && let Some(connector) = this.connector.take()
        {
            return Opening::UnderWay(Box::pin(async move {
                if let Err(reason) = this.secure(&connector, &mut entrance).await {
                    return Err(Unopened {
                        peer: entrance.peer(),
                        reason,
                        last_words: None,
                    });
                }
                match this.open(entrance) {
                    Opening::Done(opened) => Ok(opened.into()),
                    Opening::UnderWay(task) => task.await,
                }
            }));
        }
        match this.nats.open(entrance) {
            Opening::Done(opened) => Opening::Done(this.finish(opened)),
            Opening::UnderWay(task) => Opening::UnderWay(Box::pin(async move {
                Ok(match task.await? {
                    Arrived::Here(opened) => this.finish(opened).into(),
                    elsewhere @ Arrived::Elsewhere(_) => elsewhere,
                })
            })),
        }
    }

    fn refuse(&mut self, peer: SocketAddr, id: ConnectionId) -> Vec<u8> {
        self.nats.refuse(peer, id)
    }
}

pub(crate) struct Broker {
    pub(crate) address: SocketAddr,
    system: System,
    arbiters: Arc<Arbiters>,
    receptions: Vec<Recipient<Placed>>,
    thread: Option<JoinHandle<()>>,
}

impl Broker {
    /// Of NATS.
    pub(crate) fn start(layers: Layers) -> Self {
        Self::speaking(move |accounts| Layered::on(&layers, accounts))
    }

    /// With two arbiters, whose clients speak this.
    pub(crate) fn speaking<L: Language + Clone>(
        language: impl FnOnce(&Accounts) -> L + Send + 'static,
    ) -> Self {
        let (ready, is_ready) = mpsc::channel();
        let thread = thread::spawn(move || {
            let system = System::with_tokio_rt(runtime);
            system.block_on(async { ready.send(populate(language)).unwrap() });
            system.run().unwrap();
        });
        let mut broker: Self = is_ready.recv().unwrap();
        broker.thread = Some(thread);
        broker
    }

    /// Keeps a server connected.
    pub(crate) fn dial(&self, dialer: Dialer) -> Addr<Dialling> {
        let (receptions, arbiters) = (self.receptions.clone(), self.arbiters.clone());
        self.run(async move { Dialling::new(dialer, receptions, arbiters).start() })
    }

    pub(crate) fn dialling(&self, dialling: &Addr<Dialling>) -> DiallingState {
        let asked = dialling.send(Observe::<DiallingState>::new());
        self.run(async move { asked.await.unwrap() })
    }

    pub(crate) fn stop_dialling(&self, dialling: &Addr<Dialling>) {
        let asked = dialling.send(StopDialling);
        self.run(async move { asked.await.unwrap() });
    }

    fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let (done, is_done) = mpsc::channel();
        self.system.arbiter().spawn(async move {
            let _ = done.send(work.await);
        });
        is_done.recv().unwrap()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.system.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn populate<L: Language + Clone>(language: impl FnOnce(&Accounts) -> L) -> Broker {
    let limits = Limits::default();
    let bounds = Bounds {
        write_deadline: Duration::from_secs(60),
        write_timeout: WriteTimeout::Close,
        stalls_publishers: true,
        max_pending: limits.max_pending,
        max_connections: limits.max_connections,
        longest_line: vagus_protocol::parser::longest_incomplete_line(limits.max_control_line),
    };
    let arbiters = Arc::new(Arbiters::new(2));
    let accounts = Arc::new(Accounts::start(arbiters.clone()));
    let language = language(&accounts);
    let surroundings = Arc::new(Surroundings {
        accounts,
        monitor: Monitor::new(0).start(),
        bounds: Arc::new(Live::new(bounds)),
        slow_work: SlowWork::for_this_machine(),
        events: ConnectionEvents::default(),
        are_counted: true,
    });
    let first = open_reception(0, &arbiters, &surroundings, language.clone());
    let (ready, is_ready) = mpsc::channel();
    let elsewhere = (arbiters.clone(), surroundings);
    Arbiter::with_tokio_rt(runtime).spawn_fn(move || {
        let (arbiters, surroundings) = elsewhere;
        ready
            .send(open_reception(1, &arbiters, &surroundings, language))
            .unwrap();
    });
    let receptions = vec![first, is_ready.recv().unwrap()];
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_nonblocking(true).unwrap();
    // Accepted sockets inherit it: what is written to them soon is more than they take at once.
    socket2::SockRef::from(&socket)
        .set_send_buffer_size(SEND_BUFFER)
        .unwrap();
    let address = socket.local_addr().unwrap();
    Listener::new(socket, receptions.clone(), arbiters.clone())
        .unwrap()
        .start();
    Broker {
        address,
        system: System::current(),
        arbiters,
        receptions,
        thread: None,
    }
}

fn open_reception(
    number: usize,
    arbiters: &Arc<Arbiters>,
    surroundings: &Arc<Surroundings>,
    language: impl Language,
) -> Recipient<Placed> {
    let longest_line = surroundings.bounds.current().0.longest_line;
    let arbiter = ArbiterState::new(number, arbiters.clone(), 7, longest_line);
    let arbiter: LocalArbiter = Rc::new(RefCell::new(arbiter));
    keep_house(arbiter.clone(), surroundings.accounts.clone());
    Reception::new(language, arbiter, surroundings.clone())
        .start()
        .recipient()
}
