//! The end of a connection with another server, and what is said before.

use vagus_actors::connection::Turn;
use vagus_protocol::error::{CloseReason, Complaint, Violation};

/// What is left to be said.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    last_words: Vec<u8>,
    is_closing: bool,
}

impl Ending {
    /// Whether it has come.
    pub(crate) fn has_come(&self) -> bool {
        self.is_closing
    }

    pub(crate) fn complain(&mut self, complaint: &Complaint<'_>) {
        complaint.append(&mut self.last_words);
    }

    pub(crate) fn tell_of(&mut self, violation: Violation) {
        violation.append(&mut self.last_words);
    }

    /// Words of its own.
    pub(crate) fn tell(&mut self, text: &str) {
        let line = format!("-ERR '{text}'\r\n");
        self.last_words.extend_from_slice(line.as_bytes());
    }

    /// Says it, and closes the connection.
    pub(crate) fn come(&mut self, reason: CloseReason, turn: &mut impl Turn) {
        self.is_closing = true;
        if !self.last_words.is_empty() {
            turn.reply(&std::mem::take(&mut self.last_words));
        }
        turn.close(reason);
    }
}
