//! The thread that publishes: blocks of whole frames, as fast as the sockets and the allowance permit.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::connection::{ANSWER_LIMIT, write_error};
use crate::error::BenchError;
use crate::frames::Block;
use crate::inbound::{FrameCounter, read_error};
use crate::measurement::Control;
use crate::poller::{Interest, Poller};

/// While all publishers wait for their subscribers, look again after this time.
const ALLOWANCE_POLL: Duration = Duration::from_millis(1);
const IDLE_POLL: Duration = Duration::from_millis(50);
/// Look at what the server says after so many rounds of writes.
const ROUNDS_BETWEEN_LOOKS: u32 = 64;

/// What one publisher sent and its subscribers received.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Traffic {
    /// Messages written to the socket.
    pub published: AtomicU64,
    /// Messages received, over all subscribers.
    pub delivered: AtomicU64,
}

/// How far a publisher may be ahead of its subscribers, so that they are never slow consumers.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// Subscribers each message goes to.
    pub fan: u64,
    /// Messages that may be under way.
    pub messages: u64,
}

/// One publishing connection.
#[derive(Debug)]
pub struct Publisher<'a> {
    name: String,
    stream: TcpStream,
    block: Block,
    /// Bytes of the current block already written.
    at: usize,
    bytes_written: u64,
    writable: bool,
    allowance: Option<Allowance>,
    traffic: &'a Traffic,
    inbound: FrameCounter,
}

impl<'a> Publisher<'a> {
    /// A publisher on a non-blocking socket; without an allowance only the socket holds it back.
    pub fn new(
        name: &str,
        stream: TcpStream,
        block: Block,
        allowance: Option<Allowance>,
        traffic: &'a Traffic,
    ) -> Self {
        Self {
            name: name.to_owned(),
            stream,
            block,
            at: 0,
            bytes_written: 0,
            writable: true,
            allowance,
            traffic,
            inbound: FrameCounter::without_messages(name),
        }
    }

    fn may_start_a_block(&self) -> bool {
        let Some(allowance) = self.allowance else {
            return true;
        };
        let received = self.traffic.delivered.load(Ordering::Relaxed) / allowance.fan.max(1);
        let written = self.traffic.published.load(Ordering::Relaxed);
        written.saturating_sub(received) + self.block.messages() <= allowance.messages
    }

    fn write(&mut self) -> Result<(), BenchError> {
        let rest = &self.block.bytes()[self.at..];
        match self.stream.write(rest) {
            Ok(written) => {
                self.writable = written == rest.len();
                self.at = if self.writable { 0 } else { self.at + written };
                self.bytes_written += written as u64;
                let messages = self.bytes_written / self.block.frame_bytes() as u64;
                self.traffic.published.store(messages, Ordering::Relaxed);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.writable = false;
                Ok(())
            }
            Err(error) => Err(self.said_before_closing(write_error(&self.name, error))),
        }
    }

    /// A server that closes says why just before; that is the better error.
    fn said_before_closing(&mut self, otherwise: BenchError) -> BenchError {
        match self.read() {
            Err(refused @ BenchError::Refused { .. }) => refused,
            _ => otherwise,
        }
    }

    /// Reads all there is; returns the number of PONGs.
    fn read(&mut self) -> Result<u32, BenchError> {
        let mut buffer = [0; 4_096];
        let mut pongs = 0;
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    return Err(BenchError::Disconnected {
                        connection: self.name.clone(),
                    });
                }
                Ok(read) => {
                    let counted = self.inbound.feed(&buffer[..read])?;
                    pongs += counted.pongs;
                    // A PONG may not cut into a frame; the next PING of the server is minutes away.
                    if counted.pings > 0 && self.at == 0 {
                        self.stream
                            .write_all(b"PONG\r\n")
                            .map_err(|error| write_error(&self.name, error))?;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(pongs),
                Err(error) => return Err(read_error(&self.name, error)),
            }
        }
    }
}

/// Publishes until [`Control::stop`], ends on a whole block, and waits until the server has answered a
/// PING on every connection: then it has taken all that was published.
pub fn publish(publishers: &mut [Publisher<'_>], control: &Control, seed: u64) -> Result<(), BenchError> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut poller = Poller::new()?;
    for (token, publisher) in publishers.iter().enumerate() {
        poller.add(&publisher.stream, token, Interest::Changes)?;
    }
    let mut rounds: u32 = 0;
    loop {
        let stopping = control.stopping();
        let (mut progress, mut starved, mut inside) = (false, false, false);
        for publisher in publishers.iter_mut() {
            if publisher.writable && publisher.at == 0 && !stopping {
                if publisher.may_start_a_block() {
                    publisher.block.redraw(&mut random);
                } else {
                    starved = true;
                    continue;
                }
            }
            if publisher.writable && (publisher.at > 0 || !stopping) {
                publisher.write()?;
                progress = true;
            }
            inside |= publisher.at > 0;
        }
        if stopping && (!inside || control.failed()) {
            break;
        }
        rounds = rounds.wrapping_add(1);
        if progress && !rounds.is_multiple_of(ROUNDS_BETWEEN_LOOKS) {
            continue;
        }
        let limit = match (progress, starved) {
            (true, _) => Duration::ZERO,
            (false, true) => ALLOWANCE_POLL,
            (false, false) => IDLE_POLL,
        };
        for ready in poller.wait(limit)? {
            let publisher = &mut publishers[ready.token];
            publisher.writable |= ready.writable;
            if ready.readable {
                publisher.read()?;
            }
        }
    }
    if control.failed() {
        Ok(())
    } else {
        settle(publishers, &mut poller, control)
    }
}

fn settle(
    publishers: &mut [Publisher<'_>],
    poller: &mut Poller,
    control: &Control,
) -> Result<(), BenchError> {
    let started = Instant::now();
    let mut unsent: Vec<usize> = (0..publishers.len()).collect();
    let mut unanswered = publishers.len() as i64;
    while unanswered > 0 && !control.failed() {
        let mut still_unsent = Vec::new();
        for token in unsent {
            let publisher = &mut publishers[token];
            match publisher.stream.write(b"PING\r\n") {
                // Room for a few bytes comes in whole pages: six bytes are written or none.
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => still_unsent.push(token),
                Err(error) => return Err(write_error(&publisher.name, error)),
            }
        }
        unsent = still_unsent;
        for ready in poller.wait(IDLE_POLL)? {
            unanswered -= i64::from(publishers[ready.token].read()?);
        }
        if started.elapsed() > ANSWER_LIMIT {
            let waiting_for = format!("PONG after all messages on {unanswered} publishers");
            return Err(BenchError::Overdue {
                waiting_for,
                seconds: ANSWER_LIMIT.as_secs(),
            });
        }
    }
    Ok(())
}
