//! TLS or WebSocket for a generator that speaks plain: what comes in on a port of this machine goes on to the server through
//! it. The CPU for it is the generator's and is not measured.

mod far_side;

use std::collections::{BTreeSet, HashMap};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use far_side::{FarSide, Through};
use openssl::ssl::{SslContext, SslMethod, SslVerifyMode};

use crate::error::{BenchError, Doing};
use crate::poller::{Interest, Poller};

/// How much is taken at once.
const BUFFER: usize = 64 * 1024;

/// How often it looks whether it is to end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How often each direction of a link is served before others are.
const ROUNDS: usize = 4;

/// The token of the listening socket; each link has two of the others.
const LISTENER: usize = 0;

/// A running tunnel; it ends when dropped.
#[derive(Debug)]
pub struct Tunnel {
    port: u16,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Tunnel {
    /// Opens a tunnel to a server that speaks TLS on this port.
    ///
    /// # Errors
    /// When the system gives it no sockets.
    pub fn through_tls(server: u16) -> Result<Self, BenchError> {
        let mut context = SslContext::builder(SslMethod::tls_client())
            .map_err(io::Error::other)
            .doing(|| "opening a tunnel".to_owned())?;
        context.set_verify(SslVerifyMode::NONE);
        Self::open(server, Through::Tls(context.build()))
    }

    /// Opens a tunnel to a server that speaks WebSocket on this port.
    ///
    /// # Errors
    /// When the system gives it no sockets.
    pub fn through_websocket(server: u16) -> Result<Self, BenchError> {
        Self::open(server, Through::WebSocket)
    }

    fn open(server: u16, through: Through) -> Result<Self, BenchError> {
        let doing = || "opening a tunnel".to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing(doing)?;
        listener.set_nonblocking(true).doing(doing)?;
        let port = listener.local_addr().doing(doing)?.port();
        let ending = Arc::new(AtomicBool::new(false));
        let told_to_end = ending.clone();
        let relay = move || {
            // Without one the listener is closed, and a client that connects is refused.
            let poller = Poller::new();
            let poller = poller.and_then(|poller| {
                poller
                    .add(&listener, LISTENER, Interest::Readable)
                    .map(|()| poller)
            });
            let Ok(poller) = poller else { return };
            let mut relay = Relay {
                listener,
                server,
                through,
                poller,
                links: HashMap::new(),
                next: LISTENER + 1,
                ending: told_to_end,
            };
            relay.run();
        };
        let thread = thread::Builder::new()
            .name("tunnel".to_owned())
            .spawn(relay)
            .doing(doing)?;
        Ok(Self {
            port,
            ending,
            thread: Some(thread),
        })
    }

    /// Where it takes plain connections.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // One that panicked has said so.
            let _ended = thread.join();
        }
    }
}

struct Relay {
    listener: TcpListener,
    server: u16,
    through: Through,
    poller: Poller,
    links: HashMap<usize, Link>,
    next: usize,
    ending: Arc<AtomicBool>,
}

impl Relay {
    fn run(&mut self) {
        // Links with which it was the others' turn.
        let mut unfinished = BTreeSet::new();
        while !self.ending.load(Ordering::Acquire) {
            let limit = if unfinished.is_empty() {
                LOOK_EVERY
            } else {
                Duration::ZERO
            };
            let Ok(ready) = self.poller.wait(limit) else {
                return;
            };
            // Both sockets of a link are even and odd neighbours.
            unfinished.extend(ready.map(|ready| ready.token & !1));
            for number in std::mem::take(&mut unfinished) {
                if number == LISTENER {
                    // The other side finds it closed.
                    let _accepted = self.accept();
                    continue;
                }
                match self.links.get_mut(&number).map(Link::pump) {
                    Some(Ok(Pumped::Unfinished)) => {
                        unfinished.insert(number);
                    }
                    Some(Ok(Pumped::Blocked)) | None => {}
                    Some(Err(_)) => {
                        self.links.remove(&number);
                    }
                }
            }
        }
    }

    fn accept(&mut self) -> Result<(), BenchError> {
        let doing = || "opening a link of the tunnel".to_owned();
        let (plain, _) = self.listener.accept().doing(doing)?;
        let link = Link::open(plain, self.server, &self.through).doing(doing)?;
        self.next += 2;
        let number = self.next & !1;
        self.poller.add(&link.plain, number, Interest::Changes)?;
        self.poller
            .add(link.far_side.socket(), number + 1, Interest::Changes)?;
        self.links.insert(number, link);
        Ok(())
    }
}

/// How far a link came.
enum Pumped {
    /// It goes on when its sockets are ready.
    Blocked,
    /// It could have gone on.
    Unfinished,
}

struct Link {
    plain: TcpStream,
    far_side: FarSide,
    to_server: Passage,
    to_client: Passage,
}

/// Bytes on their way in one direction.
struct Passage {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Passage {
    fn new() -> Self {
        Self {
            buffer: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
        }
    }

    /// Carries over what there is; false when either side has to wait.
    fn carry(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
        write: impl FnOnce(&[u8]) -> io::Result<usize>,
    ) -> io::Result<bool> {
        if self.start == self.end {
            self.start = 0;
            self.end = match read(&mut self.buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.end = 0;
                    return Ok(false);
                }
                Err(error) => return Err(error),
            };
        }
        match write(&self.buffer[self.start..self.end]) {
            Ok(count) => self.start += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}

impl Link {
    /// Passes on what is said in the clear, and has come to terms with the server.
    fn open(mut plain: TcpStream, server: u16, through: &Through) -> io::Result<Self> {
        let (far_side, said) = FarSide::open(server, through)?;
        plain.set_nodelay(true)?;
        plain.write_all(&said)?;
        plain.set_nonblocking(true)?;
        Ok(Self {
            plain,
            far_side,
            to_server: Passage::new(),
            to_client: Passage::new(),
        })
    }

    /// Carries on until both directions are blocked, or it is the others' turn.
    fn pump(&mut self) -> io::Result<Pumped> {
        let Self {
            plain,
            far_side,
            to_server,
            to_client,
        } = self;
        for _ in 0..ROUNDS {
            // TLS may want to read for a write, and the other way round: whenever one goes on both are tried.
            let flushed = far_side.flush()?;
            let up = to_server.carry(|buffer| (&*plain).read(buffer), |bytes| far_side.write(bytes))?;
            let down = to_client.carry(|buffer| far_side.read(buffer), |bytes| (&*plain).write(bytes))?;
            if !flushed && !up && !down {
                return Ok(Pumped::Blocked);
            }
        }
        Ok(Pumped::Unfinished)
    }
}
