//! A trace of which JSON is made.

use super::{OwnMessage, Trace};
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use vagus_protocol::content_encoding::{ContentEncoding, Encoder};
use vagus_protocol::message_trace::{
    Egress, Ingress, ServiceImport, ShownKind, StreamExport, SubjectMapping, TraceEvent, TraceRequest,
};

/// How much of an event is written at once, in bytes.
const PIECE: usize = 16 * 1024;

/// Says which server an event is from.
pub trait DescribesServer: Send + Sync {
    /// Appends the JSON object that says so at this time, by RFC 3339. Each counts as something that the server has said.
    fn append_description(&self, time: &str, out: &mut Vec<u8>);
}

/// How a message may be traced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceTerms {
    /// Where the event goes.
    pub destination: Box<[u8]>,
    /// Whether the message is delivered to nobody.
    pub is_without_delivery: bool,
    /// How the event is written.
    pub encoding: Option<ContentEncoding>,
}

/// A trace of which JSON is made.
pub struct EventTrace {
    server: Arc<dyn DescribesServer>,
    terms: TraceTerms,
    /// What was told; none while it is written.
    event: Option<TraceEvent>,
    writing: Option<Writing>,
}

/// An event as text, as far as it is not written.
struct Writing {
    json: Vec<u8>,
    written: usize,
    encoder: Encoder,
}

impl Debug for EventTrace {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let destination = String::from_utf8_lossy(&self.terms.destination);
        out.debug_struct("EventTrace")
            .field("destination", &destination)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

/// The time, by RFC 3339.
fn now() -> String {
    jiff::Timestamp::now().to_string()
}

impl EventTrace {
    /// Of a message of so many bytes, headers included, which has asked for it and has come in so. What a client says of
    /// hops means nothing.
    pub fn new(
        server: Arc<dyn DescribesServer>,
        terms: TraceTerms,
        request: &TraceRequest<'_>,
        size: usize,
        ingress: &Ingress<'_>,
    ) -> Self {
        let event = TraceEvent::new(request.headers, size, &now(), ingress);
        let hop = request.hop.filter(|_| ingress.kind != ShownKind::Client);
        Self {
            server,
            terms,
            event: Some(match hop {
                Some(hop) => event.by_hop(&String::from_utf8_lossy(hop)),
                None => event,
            }),
            writing: None,
        }
    }

    /// The message is published on another subject than it came on.
    pub fn add_mapping(&mut self, to: &[u8]) {
        if let Some(event) = &mut self.event {
            event.add_mapping(&now(), &SubjectMapping { to });
        }
    }
}

impl Trace for EventTrace {
    fn is_without_delivery(&self) -> bool {
        self.terms.is_without_delivery
    }

    fn destination(&self) -> &[u8] {
        &self.terms.destination
    }

    fn add_stream_export(&mut self, export: &StreamExport<'_>) {
        if let Some(event) = &mut self.event {
            event.add_stream_export(&now(), export);
        }
    }

    fn add_service_import(&mut self, import: &ServiceImport<'_>) {
        if let Some(event) = &mut self.event {
            event.add_service_import(&now(), import);
        }
    }

    fn next_hop(&mut self) -> String {
        self.event.as_mut().map(TraceEvent::next_hop).unwrap_or_default()
    }

    fn add_egress(&mut self, egress: &Egress<'_>) {
        if let Some(event) = &mut self.event {
            event.add_egress(&now(), egress);
        }
    }

    fn make_event(&mut self) -> Option<OwnMessage> {
        if let Some(event) = self.event.take() {
            self.writing = Some(Writing {
                json: event.into_json(|out| self.server.append_description(&now(), out)),
                written: 0,
                encoder: Encoder::new(self.terms.encoding),
            });
        }
        let mut writing = self.writing.take()?;
        let rest = writing.json.get(writing.written..).unwrap_or_default();
        let piece = rest.get(..PIECE).unwrap_or(rest);
        writing.encoder.add(piece);
        writing.written += piece.len();
        if writing.written < writing.json.len() {
            self.writing = Some(writing);
            return None;
        }
        Some(OwnMessage {
            subject: std::mem::take(&mut self.terms.destination),
            header: self.terms.encoding.map_or(b"", ContentEncoding::header),
            payload: writing.encoder.finish(),
        })
    }
}
