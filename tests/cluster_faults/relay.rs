//! What stands in the way of routes where cables alone would not do: what passes comes later, or not for a while, or ends in
//! the middle.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What is passed on at a time, in bytes.
const CHUNK: usize = 16 << 10;

/// Passes connections on to a server, until the process ends. What is said on one comes later by a time that is the same for
/// all of it.
pub(crate) struct Relay {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_held: Mutex<bool>,
    let_go: Condvar,
    /// Both ends of those that there have been.
    streams: Mutex<Vec<TcpStream>>,
}

impl Relay {
    /// One that listens at an address of the machine whose thread calls.
    pub(crate) fn start(address: SocketAddr, to: SocketAddr, delay: Duration) -> Self {
        let listener = TcpListener::bind(address).expect("the address is free");
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
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Nothing passes any more, until it is [let go](Self::let_go).
    pub(crate) fn hold(&self) {
        *self.state.is_held.lock().unwrap() = true;
    }

    /// Goes on with what was held, and with what comes.
    pub(crate) fn let_go(&self) {
        *self.state.is_held.lock().unwrap() = false;
        self.state.let_go.notify_all();
    }

    /// Ends all connections, whatever is on its way: of a message it may be half that has come.
    pub(crate) fn end_all(&self) {
        for stream in self.state.streams.lock().unwrap().drain(..) {
            // It may have ended.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl State {
    fn pass(self: &Arc<Self>, near: TcpStream, far: TcpStream, delay: Duration) -> std::io::Result<()> {
        for stream in [&near, &far] {
            stream.set_nodelay(true)?;
        }
        self.streams
            .lock()
            .unwrap()
            .extend([near.try_clone()?, far.try_clone()?]);
        for (from, to) in [(near.try_clone()?, far.try_clone()?), (far, near)] {
            let (sender, chunks) = channel();
            thread::spawn(move || take(from, &sender, delay));
            let state = self.clone();
            thread::spawn(move || state.give(to, &chunks));
        }
        Ok(())
    }

    /// Passes on each chunk when it is due, and the end behind all of them.
    fn give(&self, mut to: TcpStream, chunks: &Receiver<(Instant, Vec<u8>)>) {
        for (due, chunk) in chunks {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let is_held = self.is_held.lock().unwrap();
            drop(self.let_go.wait_while(is_held, |is_held| *is_held).unwrap());
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
