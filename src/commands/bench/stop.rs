//! How a run ends before everybody has what he waits for.

use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Ends the run for all clients by closing their sockets: nobody has to look whether it has ended.
#[derive(Debug, Default)]
pub(super) struct Stop {
    ended: AtomicBool,
    sockets: Mutex<Vec<Arc<TcpStream>>>,
}

impl Stop {
    /// `socket` is closed when the run ends.
    pub(super) fn add(&self, socket: &Arc<TcpStream>) {
        self.sockets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::clone(socket));
    }

    pub(super) fn end(&self) {
        // Release: who sees a closed socket also sees why.
        self.ended.store(true, Ordering::Release);
        for socket in self.sockets.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}
