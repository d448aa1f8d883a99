use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// What is passed on at a time, in bytes.
const CHUNK: usize = 16 << 10;

/// What stands between two servers: passes connections on to one, until the process ends. What is said comes later by a time
/// that is the same for all of it, or not for a while, or ends in the middle.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    state: Arc<State>,
}

/// Which way something passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the server.
    There,
    /// From it.
    Back,
}

#[derive(Debug, Default)]
struct State {
    /// There, and back.
    is_held: Mutex<[bool; 2]>,
    let_go: Condvar,
    /// Both ends of those that there have been.
    streams: Mutex<Vec<TcpStream>>,
}

impl Relay {
    /// One that listens at an address of the machine whose thread calls.
    ///
    /// # Panics
    /// When the address is not free.
    pub fn start(address: SocketAddr, to: SocketAddr, delay: Duration) -> Self {
        let listener = TcpListener::bind(address).expect("the address is free");
        let address = listener.local_addr().expect("it is bound");
        let state = Arc::new(State::default());
        let passing = state.clone();
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // To a server that is not there nobody is connected.
                if let Ok(far) = TcpStream::connect(to) {
                    passing.pass(near, far, delay).expect("streams can be shared");
                }
            }
        });
        Self { address, state }
    }

    /// Where to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Nothing passes any more, until it is [let go](Self::let_go).
    ///
    /// # Panics
    /// When a thread of it has.
    pub fn hold(&self) {
        *self.state.held() = [true; 2];
    }

    /// The same of what goes this way.
    ///
    /// # Panics
    /// When a thread of it has.
    pub fn hold_way(&self, way: Way) {
        self.state.held()[way as usize] = true;
    }

    /// Goes on with what was held, and with what comes.
    ///
    /// # Panics
    /// When a thread of it has.
    pub fn let_go(&self) {
        *self.state.held() = [false; 2];
        self.state.let_go.notify_all();
    }

    /// Ends all connections, whatever is on its way: of a message it may be half that has come.
    ///
    /// # Panics
    /// When a thread of it has.
    pub fn end_all(&self) {
        for stream in self
            .state
            .streams
            .lock()
            .expect("nobody panics with it")
            .drain(..)
        {
            // It may have ended.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl State {
    fn held(&self) -> MutexGuard<'_, [bool; 2]> {
        self.is_held.lock().expect("nobody panics with it")
    }

    fn pass(self: &Arc<Self>, near: TcpStream, far: TcpStream, delay: Duration) -> std::io::Result<()> {
        for stream in [&near, &far] {
            stream.set_nodelay(true)?;
        }
        self.streams
            .lock()
            .expect("nobody panics with it")
            .extend([near.try_clone()?, far.try_clone()?]);
        for (from, to, way) in [
            (near.try_clone()?, far.try_clone()?, Way::There),
            (far, near, Way::Back),
        ] {
            let (sender, chunks) = channel();
            thread::spawn(move || take(from, &sender, delay));
            let state = self.clone();
            thread::spawn(move || state.give(to, &chunks, way));
        }
        Ok(())
    }

    /// Passes on each chunk when it is due, and the end behind all of them.
    fn give(&self, mut to: TcpStream, chunks: &Receiver<(Instant, Vec<u8>)>, way: Way) {
        for (due, chunk) in chunks {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let held = self.let_go.wait_while(self.held(), |held| held[way as usize]);
            drop(held.expect("nobody panics with it"));
            if to.write_all(&chunk).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    }
}

fn take(mut from: TcpStream, sender: &Sender<(Instant, Vec<u8>)>, delay: Duration) {
    let mut chunk = [0; CHUNK];
    while let Ok(length @ 1..) = from.read(&mut chunk) {
        if sender
            .send((Instant::now() + delay, chunk[..length].to_vec()))
            .is_err()
        {
            break;
        }
    }
}
