use crate::frame::Shown;
use crate::stream::Stream;
use std::sync::Arc;

/// The sending half of a client.
#[derive(Debug)]
pub struct Writer {
    socket: Arc<Stream>,
}

impl Writer {
    pub(crate) fn new(socket: Arc<Stream>) -> Self {
        Self { socket }
    }

    /// Sends a line, or a line and what follows it; the last CRLF is added.
    #[track_caller]
    pub fn send(&mut self, text: &str) {
        self.send_bytes(&[text.as_bytes(), b"\r\n"].concat());
    }

    /// Sends bytes as they are.
    #[track_caller]
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        if let Err(error) = self.socket.write_all(bytes) {
            panic!("the server does not take {:?}: {error}", Shown(bytes));
        }
    }

    /// Sends bytes to a server that may close the connection; false once it has.
    pub fn try_send_bytes(&mut self, bytes: &[u8]) -> bool {
        self.socket.write_all(bytes).is_ok()
    }

    /// Publishes a payload.
    #[track_caller]
    pub fn publish(&mut self, subject: &str, payload: &[u8]) {
        let line = format!("PUB {subject} {}\r\n", payload.len());
        self.send_bytes(&[line.as_bytes(), payload, b"\r\n"].concat());
    }

    /// Makes the system break the connection off, with a reset, when it is dropped.
    pub fn break_off_when_dropped(&mut self) {
        self.socket.break_off_when_dropped();
    }

    /// Ends the stream to the server; what it says can still be read.
    pub fn end(&mut self) {
        self.socket.end();
    }
}
