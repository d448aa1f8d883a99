//! What the log says of deliveries to a connection, for those who ask for a line for each.

use super::Outbox;
use std::fmt::Arguments;
use vagus_protocol::message;
use vagus_protocol::quote::shortened;
use vagus_routing::Destination;

/// How much of a control line is shown, in bytes.
const SHOWN: usize = 512;

/// How deliveries to a connection are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownDeliveries {
    /// What the log calls the connection.
    pub name: String,
    /// How much of a payload is shown, in bytes; 0 is all of it.
    pub payload: usize,
    /// Whether of a message only its headers are shown.
    pub headers_only: bool,
}

impl Outbox {
    /// From now on this is how deliveries are shown, where they are.
    pub fn show_deliveries(&self, shown: ShownDeliveries) {
        self.shown.lock().more.get_or_insert_default().deliveries = Some(shown);
    }

    /// A line of the log about this connection.
    pub(crate) fn log(&self, what: Arguments<'_>) {
        match self.shown.lock().deliveries() {
            Some(shown) => log::trace!("{} - {what}", shown.name),
            None => log::trace!("cid:{} - {what}", self.connection_id()),
        }
    }

    /// The lines of a message: how it begins, with the last part up to its line end, and its headers and payload.
    #[cold]
    pub(crate) fn log_delivery(
        &self,
        [prefix, sid, tail]: [&[u8]; 3],
        body: &[u8],
        header_size: Option<usize>,
    ) {
        let line = [prefix, sid, message::control_line(tail)].concat();
        let line = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]);
        self.log(format_args!("->> [{line}]"));
        let (headers_only, at_most) = match self.shown.lock().deliveries() {
            Some(shown) => (shown.headers_only, shown.payload),
            None => return,
        };
        let shown = match headers_only {
            true => body.get(..header_size.unwrap_or(0)).unwrap_or_default(),
            false => body,
        };
        if !shown.is_empty() {
            self.log(format_args!("->> MSG_PAYLOAD: [{}]", shortened(shown, at_most)));
        }
    }
}
