//! Connecting to servers, for as long as it takes.
//!
//! A [`Dialer`] finds the addresses of one server, connects to them in turn, and waits between attempts; once somebody has
//! the connection, it waits for its end, to begin again. What it does next is decided by [`attempts`], which knows neither
//! sockets nor clocks.

mod attempts;
mod outcome;

pub use attempts::{DialSettings, FailedAttempt};
pub use outcome::{Outcome, OutcomeSender};

use attempts::{Attempts, Step};
use outcome::OutcomeReceiver;
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::thread;
use std::time::Instant;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep_until, timeout_at};

/// Keeps one server connected. Dropped, or its futures dropped, it stops at once; what it handed over stays.
pub struct Dialer {
    /// Where the attempt that is under way goes.
    host: Arc<str>,
    port: u16,
    /// Says where the next one goes, where that is not always the same.
    choose: Option<Chooser>,
    attempts: Attempts<Random>,
    state: watch::Sender<DialState>,
    observer: Box<dyn Fn(DialEvent<'_>) + Send>,
    resolver: Resolver,
    /// What becomes of the connection that was handed over last.
    outcome: Option<OutcomeReceiver>,
}

type Random = fn(u64) -> u64;

/// Finds the addresses of a host, at this port. It may take its time: it is called on a thread of its own.
pub type Resolver = Arc<dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

/// Says which of several servers is next: a host and a port.
pub type Chooser = Box<dyn FnMut() -> (Arc<str>, u16) + Send>;

/// A connection that is there.
#[derive(Debug)]
pub struct Dialled {
    /// The socket, which does not block and belongs to no runtime.
    pub socket: std::net::TcpStream,
    /// Its other end.
    pub peer: SocketAddr,
    /// How the Dialer is told what becomes of it.
    pub outcome: OutcomeSender,
}

/// What happens, for the log.
#[derive(Debug)]
pub enum DialEvent<'a> {
    /// This address is about to be connected to.
    Trying(SocketAddr),
    /// This address does not answer; others may be left.
    Unreachable(&'a DialError),
    /// The attempt has failed.
    Failed(FailedAttempt<'a>),
}

/// Why there is no connection.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DialError {
    /// The addresses of the host cannot be found.
    #[error("lookup for host {host:?}: {source}")]
    Lookup {
        /// The host.
        host: Arc<str>,
        /// What the system says.
        source: io::Error,
    },
    /// The host has no address.
    #[error("lookup for host {0:?}: no address")]
    NoAddress(Arc<str>),
    /// An address cannot be connected to.
    #[error("dial tcp {address}: {source}")]
    Connect {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// An address does not answer in time.
    #[error("dial tcp {0}: i/o timeout")]
    Timeout(SocketAddr),
    /// There was a connection, but it did not come to anything.
    #[error("{0}")]
    Unopened(String),
}

/// It was tried as often as it was to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenUp;

/// What a Dialer shows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialState {
    /// What it does.
    pub stage: DialStage,
    /// How many attempts have failed since there was a connection.
    pub failed: u64,
    /// Why the last one failed, or the last connection ended, be it before the connection that there is.
    pub last_error: Option<String>,
}

/// What a Dialer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialStage {
    /// It looks for the addresses of the host.
    Resolving,
    /// It connects to this one.
    Connecting(SocketAddr),
    /// It makes the next attempt at this moment.
    Waiting(Instant),
    /// There is a connection to this address, which is being opened, or is open.
    Connected(SocketAddr),
    /// It does nothing any more.
    GivenUp,
}

impl Dialer {
    /// For the server at this port of a host: a name, or an address without brackets. `observer` is told what happens.
    pub fn new(
        host: &str,
        port: u16,
        settings: DialSettings,
        observer: impl Fn(DialEvent<'_>) + Send + 'static,
    ) -> Self {
        let state = DialState {
            stage: DialStage::Resolving,
            failed: 0,
            last_error: None,
        };
        Self {
            host: host.into(),
            port,
            choose: None,
            attempts: Attempts::new(settings, |below| fastrand::u64(..below)),
            state: watch::Sender::new(state),
            observer: Box::new(observer),
            resolver: Arc::new(|host, port| Ok((host, port).to_socket_addrs()?.collect())),
            outcome: None,
        }
    }

    /// Has addresses found in another way than that of the system.
    #[must_use]
    pub fn resolving_by(mut self, resolver: Resolver) -> Self {
        self.resolver = resolver;
        self
    }

    /// Has each attempt go to the server that is chosen for it.
    #[must_use]
    pub fn choosing_by(mut self, choose: Chooser) -> Self {
        self.choose = Some(choose);
        self
    }

    /// What it does, from any thread.
    pub fn state(&self) -> watch::Receiver<DialState> {
        self.state.subscribe()
    }

    /// Hands over a connection whenever there is none, until it is given up.
    pub async fn keep_connected(mut self, mut hand_over: impl FnMut(Dialled)) -> GivenUp {
        loop {
            match self.dial().await {
                Ok(dialled) => hand_over(dialled),
                Err(GivenUp) => return GivenUp,
            }
        }
    }

    /// Waits for the end of the connection that was dialled before, if there is one, and connects anew, however long it
    /// takes. If what it gives is dropped half-way, the next call goes on with what was left.
    ///
    /// # Errors
    /// When it was tried as often as it was to be.
    pub async fn dial(&mut self) -> Result<Dialled, GivenUp> {
        self.wait_for_the_end().await;
        let mut step = self.attempts.begin(Instant::now());
        loop {
            step = match step {
                Step::Resolve => self.resolve().await,
                Step::Connect(address, until) => match self.connect(address, until).await {
                    Ok(socket) => {
                        self.attempts.connected();
                        return Ok(self.handed_over(socket, address));
                    }
                    Err(error) => self.unreachable(error),
                },
                Step::Wait(until) => {
                    self.show(DialStage::Waiting(until));
                    sleep_until(until.into()).await;
                    self.attempts.begin(Instant::now())
                }
                Step::GiveUp => {
                    self.show(DialStage::GivenUp);
                    return Err(GivenUp);
                }
            }
        }
    }

    fn handed_over(&mut self, socket: std::net::TcpStream, peer: SocketAddr) -> Dialled {
        let (outcome, receiver) = outcome::channel();
        self.outcome = Some(receiver);
        self.show(DialStage::Connected(peer));
        Dialled {
            socket,
            peer,
            outcome,
        }
    }

    async fn wait_for_the_end(&mut self) {
        let Some(outcome) = &mut self.outcome else {
            return;
        };
        if outcome.opened().await {
            self.attempts.established();
            self.state.send_modify(|state| state.failed = 0);
        }
        let (ended, why) = outcome.ended().await;
        self.outcome = None;
        let why = why.unwrap_or_else(|| "the connection was closed".to_owned());
        match ended {
            Outcome::Open => {
                self.show_error(why);
                self.attempts.lost(Instant::now())
            }
            Outcome::HeldOff(time) => {
                self.show_error(why);
                self.attempts.hold_off(time, Instant::now())
            }
            Outcome::Opening => self.fail(DialError::Unopened(why)),
            Outcome::Failed(reason) => self.fail(DialError::Unopened(reason)),
        };
    }

    async fn resolve(&mut self) -> Step {
        self.show(DialStage::Resolving);
        if let Some(choose) = &mut self.choose {
            (self.host, self.port) = choose();
        }
        let found = find(self.resolver.clone(), self.host.clone(), self.port).await;
        let addresses = match found {
            Ok(addresses) => addresses,
            Err(source) => {
                let host = self.host.clone();
                return self.fail(DialError::Lookup { host, source });
            }
        };
        match self.attempts.resolved(addresses, Instant::now()) {
            Some(step) => step,
            None => self.fail(DialError::NoAddress(self.host.clone())),
        }
    }

    async fn connect(
        &mut self,
        address: SocketAddr,
        until: Instant,
    ) -> Result<std::net::TcpStream, DialError> {
        self.show(DialStage::Connecting(address));
        (self.observer)(DialEvent::Trying(address));
        let connected = timeout_at(until.into(), TcpStream::connect(address))
            .await
            .map_err(|_| DialError::Timeout(address))?;
        // Another arbiter may carry it.
        connected
            .and_then(TcpStream::into_std)
            .map_err(|source| DialError::Connect { address, source })
    }

    fn unreachable(&mut self, error: DialError) -> Step {
        match self.attempts.unreachable(Instant::now()) {
            Some(step) => {
                (self.observer)(DialEvent::Unreachable(&error));
                step
            }
            None => self.fail(error),
        }
    }

    fn fail(&mut self, error: DialError) -> Step {
        let (failed, step) = self.attempts.fail(&error, Instant::now());
        let number = failed.number;
        (self.observer)(DialEvent::Failed(failed));
        self.state.send_modify(|state| {
            state.failed = number;
            state.last_error = Some(error.to_string());
        });
        step
    }

    fn show_error(&self, why: String) {
        self.state.send_modify(|state| state.last_error = Some(why));
    }

    fn show(&self, stage: DialStage) {
        self.state.send_modify(|state| state.stage = stage);
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.borrow();
        formatter
            .debug_struct("Dialer")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("state", &*state)
            .finish_non_exhaustive()
    }
}

/// On a thread of its own: the runtime's threads for such work would keep a server that stops waiting for the answer.
async fn find(resolver: Resolver, host: Arc<str>, port: u16) -> io::Result<Vec<SocketAddr>> {
    let (found, is_found) = oneshot::channel();
    let work = move || {
        // Nobody waits for it if the Dialer has been dropped.
        let _ = found.send(resolver(&host, port));
    };
    thread::Builder::new().name("resolver".to_owned()).spawn(work)?;
    match is_found.await {
        Ok(found) => found,
        Err(_) => Err(io::Error::other("the resolver has ended")),
    }
}

#[cfg(test)]
mod tests;
