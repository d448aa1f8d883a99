//! Waiting for many sockets at once.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{Timespec, epoll};

use crate::error::{BenchError, Doing};

const EVENTS: usize = 256;

/// A set of sockets, each with a token of the caller's choice.
pub struct Poller {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

/// What to wait for.
#[derive(Debug, Clone, Copy)]
pub enum Interest {
    /// Bytes to read, reported as long as there are any.
    Readable,
    /// Bytes to read and room to write, each reported once when it comes.
    Changes,
}

/// A socket that is ready.
#[derive(Debug, Clone, Copy)]
pub struct Ready {
    /// The token it was added with.
    pub token: usize,
    /// There is something to read, or the connection is closed.
    pub readable: bool,
    /// There is room to write.
    pub writable: bool,
}

impl Poller {
    /// An empty set.
    pub fn new() -> Result<Self, BenchError> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).doing(|| "creating an epoll".to_owned())?;
        let none = epoll::Event {
            flags: epoll::EventFlags::empty(),
            data: epoll::EventData::new_u64(0),
        };
        Ok(Self {
            epoll,
            events: vec![none; EVENTS],
        })
    }

    /// Adds a socket.
    pub fn add(&self, socket: &impl AsFd, token: usize, interest: Interest) -> Result<(), BenchError> {
        use epoll::EventFlags;
        let flags = match interest {
            Interest::Readable => EventFlags::IN,
            Interest::Changes => EventFlags::IN | EventFlags::OUT | EventFlags::ET,
        };
        epoll::add(
            &self.epoll,
            socket,
            epoll::EventData::new_u64(token as u64),
            flags,
        )
        .doing(|| "adding a socket to an epoll".to_owned())
    }

    /// Waits until a socket is ready or the time is over.
    pub fn wait(&mut self, limit: Duration) -> Result<impl Iterator<Item = Ready>, BenchError> {
        let limit = Timespec {
            tv_sec: limit.as_secs() as i64,
            tv_nsec: i64::from(limit.subsec_nanos()),
        };
        let ready = match epoll::wait(&self.epoll, self.events.as_mut_slice(), Some(&limit)) {
            Err(rustix::io::Errno::INTR) => 0,
            result => result.doing(|| "waiting in an epoll".to_owned())?,
        };
        Ok(self.events[..ready].iter().map(|event| {
            let flags = event.flags;
            Ready {
                token: event.data.u64() as usize,
                readable: flags
                    .intersects(epoll::EventFlags::IN | epoll::EventFlags::HUP | epoll::EventFlags::ERR),
                writable: flags.contains(epoll::EventFlags::OUT),
            }
        }))
    }
}
