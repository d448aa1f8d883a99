//! A panic in a session costs its own connection: others of the same arbiter go on, with what they were sent
//! and what they subscribed to, and the one that panicked is closed and forgotten.
//!
//! There is no way to make the NATS session panic, so these speak a language of their own.

use actix::prelude::*;
use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_actors::connection::{Progress, Session, SlowTask, Surroundings, Turn};
use vagus_actors::connection_events::ConnectionEvents;
use vagus_actors::listener::Listener;
use vagus_actors::monitor::{Monitor, MonitorState};
use vagus_actors::observed::ClientInfo;
use vagus_actors::reception::{Language, Opened, Opening, Reception};
use vagus_actors::router::{Router, RouterState};
use vagus_actors::{Accounts, Observe, RoutedAccount, SlowWork, keep_house};
use vagus_configs::WriteTimeout;
use vagus_delivery::arbiter::{ArbiterState, Arbiters, LocalArbiter};
use vagus_delivery::bounds::Bounds;
use vagus_delivery::wire::Entrance;
use vagus_delivery::{Account, Live};
use vagus_protocol::operation::Operation;
use vagus_protocol::parser::{FrameLimits, Parsed, parse};
use vagus_routing::ConnectionId;
use vagus_test_support::{PATIENCE, eventually_equal};

/// Each byte is an operation: `s` subscribes to what `p` publishes, `?` is answered with `.`, `!` panics at
/// once and `t` when the time comes. `w` has slow work done, and `x` such that panics; `y` and `n` say whether it was.
struct Letters {
    peer: SocketAddr,
    work: Option<SlowTask<()>>,
    panics_at: Option<Instant>,
}

const MESSAGE: &[u8] = b"PUB letters 2\r\nhi\r\n";

/// What `p` makes of it for the one subscription there is.
const DELIVERED: &[u8] = b"MSG letters 1 2\r\nhi\r\n";

impl Session for Letters {
    type Answer = ();

    fn slow_work(&mut self) -> Option<SlowTask<()>> {
        self.work.take()
    }

    fn answered<T: Turn>(&mut self, answer: Option<()>, turn: &mut T) {
        turn.reply(match answer {
            Some(()) => b"y",
            None => b"n",
        });
    }

    fn receive<T: Turn>(&mut self, input: &[u8], turn: &mut T) -> Progress {
        let limits = FrameLimits {
            max_control_line: 100,
            max_payload: 100,
            headers: false,
        };
        for (at, letter) in input.iter().enumerate() {
            match letter {
                b's' => turn.subscribe(b"letters", None, b"1", None),
                b'?' => turn.reply(b"."),
                b't' => self.panics_at = Some(turn.now() + Duration::from_millis(20)),
                b'w' | b'x' => {
                    let panics = *letter == b'x';
                    self.work = Some(Box::new(move || assert!(!panics, "as the test wants it")));
                    return Progress::Waiting { consumed: at + 1 };
                }
                b'p' if turn.interest_pending() => return Progress::Waiting { consumed: at },
                b'p' => match parse(MESSAGE, &limits) {
                    Parsed::Frame {
                        operation: Operation::Publish(message),
                        ..
                    } => drop(turn.publish(&message, true)),
                    other => panic!("{other:?}"),
                },
                _ => panic!("as the test wants it"),
            }
        }
        Progress::Taken {
            consumed: input.len(),
            frame_length: 0,
        }
    }

    fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn write_names(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }

    fn settings_changed<T: Turn>(&mut self, _: &mut T) {}

    fn no_room<T: Turn>(&mut self, _: &mut T) {}

    fn time<T: Turn>(&mut self, turn: &mut T) {
        if self.panics_at.is_some_and(|at| at <= turn.now()) {
            panic!("as the test wants it");
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.panics_at
    }

    fn round_trip(&self) -> Option<Duration> {
        None
    }

    fn client_info(&self) -> ClientInfo {
        ClientInfo::default()
    }
}

/// The language of those who speak in letters.
struct Alphabet(Arc<Account>);

impl Language for Alphabet {
    type Session = Letters;

    fn open(&mut self, entrance: Entrance) -> Opening<Letters> {
        let session = Letters {
            peer: entrance.peer(),
            work: None,
            panics_at: None,
        };
        Opening::Done(Opened {
            entrance,
            session,
            account: Some(self.0.clone()),
            greeting: b"welcome".to_vec(),
        })
    }

    fn refuse(&mut self, _: SocketAddr, _: ConnectionId) -> Vec<u8> {
        Vec::new()
    }
}

/// A server of one arbiter for those who speak in letters.
struct World {
    address: SocketAddr,
    router: Addr<Router>,
    monitor: Addr<Monitor>,
    runtime: tokio::runtime::Handle,
}

/// Runs a test beside such a server.
fn check(test: impl FnOnce(&World) + Send + 'static) {
    System::new().block_on(async {
        let arbiters = Arc::new(Arbiters::new(1));
        let accounts = Arc::new(Accounts::start(arbiters.clone()));
        let RoutedAccount { account, router } = accounts.global().clone();
        let monitor = Monitor::new(10).start();
        let arbiter: LocalArbiter = Rc::new(RefCell::new(ArbiterState::new(0, arbiters.clone(), 1, 0)));
        keep_house(arbiter.clone(), accounts.clone());
        let surroundings = Arc::new(Surroundings {
            accounts: accounts.clone(),
            monitor: monitor.clone(),
            bounds: Arc::new(Live::new(Bounds {
                write_deadline: PATIENCE,
                max_pending: 1024 * 1024,
                max_connections: 1000,
                write_timeout: WriteTimeout::Close,
                stalls_publishers: true,
                longest_line: 0,
            })),
            slow_work: SlowWork::for_this_machine(),
            events: ConnectionEvents::default(),
            are_counted: true,
        });
        let reception = Reception::new(Alphabet(account), arbiter, surroundings).start();
        let socket = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        let _listener = Listener::new(socket, vec![reception.recipient()], arbiters)
            .unwrap()
            .start();
        let runtime = tokio::runtime::Handle::current();
        let world = World {
            address,
            router,
            monitor,
            runtime,
        };
        tokio::task::spawn_blocking(move || test(&world)).await.unwrap();
    });
}

impl World {
    fn connect(&self) -> TcpStream {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        expect(&mut socket, b"welcome");
        socket
    }

    fn monitor(&self) -> MonitorState {
        self.runtime.block_on(self.monitor.send(Observe::new())).unwrap()
    }

    fn router(&self) -> RouterState {
        self.runtime.block_on(self.router.send(Observe::new())).unwrap()
    }
}

#[track_caller]
fn expect(socket: &mut TcpStream, text: &[u8]) {
    let mut came = vec![0; text.len()];
    socket.read_exact(&mut came).unwrap();
    assert_eq!(came.escape_ascii().to_string(), text.escape_ascii().to_string());
}

/// What is said until the connection is closed.
fn last_words(socket: &mut TcpStream) -> Vec<u8> {
    let mut words = Vec::new();
    socket.read_to_end(&mut words).unwrap();
    words
}

/// At any place of its input: first, behind what it published and subscribed in the same read, and later.
#[test]
fn cost_the_connection_alone() {
    check(|world| {
        let mut beside = world.connect();
        beside.write_all(b"s?").unwrap();
        expect(&mut beside, b".");
        for letters in [&b"!"[..], b"s!", b"sp!", b"ppp!ppp", b"???!"] {
            let mut panicking = world.connect();
            panicking.write_all(letters).unwrap();
            last_words(&mut panicking);
            // What was published in the turn that panicked may have come or not; what comes now is whole.
            beside.write_all(b"p?").unwrap();
            let mut came = Vec::new();
            while came.last() != Some(&b'.') {
                let mut byte = [0];
                beside.read_exact(&mut byte).unwrap();
                came.push(byte[0]);
            }
            let messages = &came[..came.len() - 1];
            assert!(messages.starts_with(DELIVERED), "{}", came.escape_ascii());
            assert!(
                messages
                    .chunks(DELIVERED.len())
                    .all(|message| message == DELIVERED)
            );
            eventually_equal(|| world.router().subscriptions, 1);
            eventually_equal(|| world.monitor().connections, 1);
        }
        drop(beside);
        eventually_equal(|| world.router().subscriptions, 0);
        eventually_equal(|| world.monitor().connections, 0);
        assert_eq!(world.monitor().closed["Protocol Violation"], 5);
    });
}

/// When it is told the time.
#[test]
fn at_a_deadline_cost_the_connection_alone() {
    check(|world| {
        let mut beside = world.connect();
        beside.write_all(b"s?").unwrap();
        expect(&mut beside, b".");
        let mut panicking = world.connect();
        panicking.write_all(b"st?").unwrap();
        assert_eq!(last_words(&mut panicking), b".");
        beside.write_all(b"p?").unwrap();
        expect(&mut beside, &[DELIVERED, b"."].concat());
        eventually_equal(|| world.monitor().connections, 1);
        eventually_equal(|| world.router().subscriptions, 1);
    });
}

/// A hundred at once, with somebody who is served all the time.
#[test]
fn of_many_cost_each_its_own() {
    check(|world| {
        let mut beside = world.connect();
        let mut panicking: Vec<TcpStream> = (0..100).map(|_| world.connect()).collect();
        for socket in &mut panicking {
            socket.write_all(b"s").unwrap();
        }
        for socket in &mut panicking {
            socket.write_all(b"p!").unwrap();
            beside.write_all(b"?").unwrap();
            expect(&mut beside, b".");
        }
        for socket in &mut panicking {
            last_words(socket);
        }
        eventually_equal(|| world.monitor().connections, 1);
        eventually_equal(|| world.router().subscriptions, 0);
        beside.write_all(b"sp?").unwrap();
        expect(&mut beside, &[DELIVERED, b"."].concat());
    });
}

/// In slow work it costs that piece: its connection is told, and the thread goes on.
#[test]
fn in_slow_work_cost_one_piece() {
    check(|world| {
        let mut beside = world.connect();
        for _ in 0..20 {
            let mut panicking = world.connect();
            panicking.write_all(b"x?").unwrap();
            expect(&mut panicking, b"n.");
        }
        beside.write_all(b"ww?").unwrap();
        expect(&mut beside, b"yy.");
    });
}
