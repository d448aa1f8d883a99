//! The end of a connection with another server, and what is said before.

use std::fmt::Display;
use vagus_actors::connection::Turn;
use vagus_protocol::error::{CloseReason, Complaint, Violation};
use vagus_protocol::quote::shortened;

/// How much of what a server says wrong is logged, in bytes.
pub(crate) const SHOWN_AT_MOST: usize = 64;

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

    /// The other server is told what it did wrong, in words of its own.
    pub(crate) fn refuse(
        &mut self,
        party: &impl Display,
        text: &str,
        reason: CloseReason,
        turn: &mut impl Turn,
    ) {
        log::error!("{party} - {text}");
        self.tell(text);
        self.come(reason, turn);
    }

    /// The other server does not speak as servers do.
    pub(crate) fn broken(&mut self, party: &impl Display, what: &str, turn: &mut impl Turn) {
        log::error!("{party} - Protocol error: {what}");
        self.come(CloseReason::ProtocolViolation, turn);
    }

    /// It has broken the protocol by saying this.
    pub(crate) fn violated(
        &mut self,
        party: &impl Display,
        violation: Violation,
        said: &[u8],
        turn: &mut impl Turn,
    ) {
        log::error!("{party} - {violation}: {}", shortened(said, SHOWN_AT_MOST));
        self.tell_of(violation);
        self.come(violation.reason(), turn);
    }

    /// It may not come in, or has said something else before it was let in.
    pub(crate) fn unauthorized(&mut self, turn: &mut impl Turn) {
        self.complain(&Complaint::AuthorizationViolation);
        self.come(CloseReason::AuthenticationFailure, turn);
    }

    /// It has not said in time who it is.
    pub(crate) fn too_late(&mut self, turn: &mut impl Turn) {
        self.complain(&Complaint::AuthenticationTimeout);
        self.come(CloseReason::AuthenticationTimeout, turn);
    }

    /// It does not answer any more.
    pub(crate) fn stale(&mut self, party: &impl Display, turn: &mut impl Turn) {
        log::debug!("{party} - Stale Client Connection - Closing");
        self.complain(&Complaint::StaleConnection);
        self.come(CloseReason::StaleConnection, turn);
    }
}
