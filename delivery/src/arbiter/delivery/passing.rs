//! Messages that say themselves where they go: to one server, whoever is interested.

use super::Delivery;
use crate::outbox::Outbox;
use std::sync::Arc;
use vagus_protocol::message;
use vagus_protocol::operation::Publish;
use vagus_protocol::routed;
use vagus_routing::Destination;

impl Delivery {
    /// Passes a message of an account on to a server, behind what was published before. Nothing is done where that is none.
    pub fn pass_to(&mut self, server: &Arc<Outbox>, account: &[u8], message: &Publish<'_>) {
        self.withhold(message.body.len());
        let Some(line) = server.peer_line() else {
            return;
        };
        self.pause_run();
        let header = message.header().filter(|_| server.accepts_headers());
        let payload = header.map_or(0, <[u8]>::len) + message.payload().len();
        let mut text = Vec::with_capacity(message.subject.len() + payload + 64);
        routed::append_start(&mut text, line, header.is_some(), account, message.subject);
        message::append_parts(&mut text, b"", message.reply, header, message.payload());
        self.staging.message(server, [&text], payload);
    }
}
