//! A socket on which the last has been said.

use super::Wire;
use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::timeout_at;
use vagus_protocol::error::CloseReason;

/// How long the peer may take to hear it.
const LINGERS: Duration = Duration::from_secs(1);

/// How much, in bytes, of what the peer still sends is read and dropped meanwhile.
const DRAINED_AT_MOST: usize = 64 * 1024;

/// A socket that is closed once the peer has ended its side, too: the system would answer what the peer has sent and
/// nobody has read with a reset, which overtakes the last words.
#[derive(Debug)]
pub struct LastWords(Arc<TcpStream>);

impl LastWords {
    pub(super) fn on(wire: &mut Wire, reason: CloseReason) -> Self {
        wire.say_farewell(reason);
        Self(wire.socket().clone())
    }

    /// On a socket that nobody else knows.
    ///
    /// # Errors
    /// When the runtime cannot watch it.
    pub fn on_socket(socket: std::net::TcpStream) -> io::Result<Self> {
        TcpStream::from_std(socket).map(|socket| Self(Arc::new(socket)))
    }

    /// Ends after [`LINGERS`], or when the peer has sent [`DRAINED_AT_MOST`].
    pub async fn linger(self) {
        let (socket, until) = (self.0, Instant::now() + LINGERS);
        if socket2::SockRef::from(&*socket)
            .shutdown(Shutdown::Write)
            .is_err()
        {
            return;
        }
        let mut drained = 0;
        while drained < DRAINED_AT_MOST {
            if !matches!(timeout_at(until.into(), socket.readable()).await, Ok(Ok(()))) {
                return;
            }
            match drain(&socket) {
                Ok(0) => return,
                Ok(count) => drained += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

/// The buffer is not part of what waits.
fn drain(socket: &TcpStream) -> io::Result<usize> {
    socket.try_read(&mut [0; 4096])
}
