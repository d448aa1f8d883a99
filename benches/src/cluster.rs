//! Waiting until what is subscribed to on one server of a cluster is known on another.

use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use crate::connection::{ANSWER_LIMIT, Connection};
use crate::error::{BenchError, Doing};
use crate::server::RunningServer;

/// How long to listen before it is published anew.
const PAUSE: Duration = Duration::from_millis(5);

/// Returns when the first server knows of every subscription of the others. Each tells of its own in the order in which they
/// were made: so it is enough to subscribe to one thing more, and to publish that until it arrives.
pub fn await_interest(server: &RunningServer) -> Result<(), BenchError> {
    for number in 1..server.count() {
        let subject = format!("bench.known.{number}");
        let mut listener = Connection::open(server.port_of(number), "listener")?;
        listener.settle(format!("SUB {subject} 1\r\n").as_bytes())?;
        let mut listener = listener.into_blocking()?;
        listener
            .set_read_timeout(Some(PAUSE))
            .doing(|| "setting up listener".to_owned())?;
        let mut teller = Connection::open(server.port(), "teller")?;
        let (started, mut heard, mut buffer) = (Instant::now(), Vec::new(), [0; 1024]);
        while !heard.windows(4).any(|bytes| bytes == b"MSG ") {
            if started.elapsed() > ANSWER_LIMIT {
                return Err(BenchError::Overdue {
                    waiting_for: format!("interest of server {number}"),
                    seconds: ANSWER_LIMIT.as_secs(),
                });
            }
            teller.write(format!("PUB {subject} 0\r\n\r\n").as_bytes())?;
            match listener.read(&mut buffer) {
                Ok(0) => {
                    return Err(BenchError::Disconnected {
                        connection: "listener".to_owned(),
                    });
                }
                Ok(count) => heard.extend_from_slice(&buffer[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(error).doing(|| "reading of listener".to_owned()),
            }
        }
    }
    Ok(())
}
