//! Messages that ask to be traced: whether they are, and the event that comes of it.

use crate::ClientSettings;
use crate::evidence::Said;
use crate::session::NatsSession;
use crate::user_info;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use vagus_actors::connection::Turn;
use vagus_delivery::arbiter::{OwnMessage, Trace};
use vagus_protocol::content_encoding::{ContentEncoding, Encoder};
use vagus_protocol::error::{Complaint, Violation};
use vagus_protocol::message_trace::{
    Activation, Egress, Ingress, ServiceImport, ShownKind, StreamExport, SubjectMapping, TraceEvent,
    TraceRequest, may_ask, may_have_context, with_tracing_disabled,
};
use vagus_protocol::operation::Publish;
use vagus_protocol::parser::oversized;
use vagus_protocol::system_subject;
use vagus_routing::subject;

/// How much of an event is written at once, in bytes.
const PIECE: usize = 16 * 1024;

/// All of a hundred messages.
const EVERYTHING: u8 = 100;

/// What asks for a trace: header blocks are searched for that alone.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asking {
    /// Whether belonging to a trace of somebody else's does.
    by_context: bool,
}

impl Asking {
    /// Whether a header block may ask.
    #[inline]
    pub(crate) fn is_done_by(self, header: &[u8]) -> bool {
        may_ask(header) || self.by_context && may_have_context(header)
    }
}

/// What becomes of a message that may ask for a trace.
enum Asked {
    /// It does not, or in vain: it is a message as any other.
    InVain,
    /// It is one of those of an account that are not traced; no other server is to trace it either.
    NotSampled,
    /// It is as if it had not come.
    Refused,
    /// It is traced.
    Granted(Granted),
}

/// A trace that a client may have.
struct Granted {
    destination: Box<[u8]>,
    without_delivery: bool,
    encoding: Option<ContentEncoding>,
}

impl NatsSession {
    /// Publishes a message whose header block may ask for a trace; false if it does not, and is to be published as any
    /// other.
    #[cold]
    pub(crate) fn publish_traced(
        &mut self,
        message: &Publish<'_>,
        mapped_from: Option<&[u8]>,
        turn: &mut impl Turn,
    ) -> bool {
        let Some(header) = message.header() else {
            return false;
        };
        let Some(request) = TraceRequest::read(header) else {
            return false;
        };
        let granted = match self.grant(&request, turn) {
            Asked::InVain if request.origin_account.is_none() => return false,
            Asked::InVain | Asked::NotSampled => {
                self.publish_disabled(message, mapped_from, header, turn);
                return true;
            }
            Asked::Refused => return true,
            Asked::Granted(granted) => granted,
        };
        let refusal = self.refusal(message, mapped_from, turn);
        let error = refusal.as_ref().map(ToString::to_string).unwrap_or_default();
        let (subject, size) = (mapped_from.unwrap_or(message.subject), message.body.len());
        let mut trace = Box::new(self.trace_of(granted, &request, subject, size, &error));
        if mapped_from.is_some() {
            trace.add_mapping(message.subject);
        }
        if let Some(complaint) = refusal {
            self.complain(&complaint, turn);
            turn.withhold(size);
            turn.publish_event(trace);
            return true;
        }
        self.confirm(turn);
        if message.subject == user_info::SUBJECT {
            self.trace_question(&mut trace);
        }
        let without_delivery = trace.is_without_delivery();
        let taken = turn.publish_traced(message, self.client_options.echo, trace);
        match without_delivery {
            true => self.delivered(message, taken, turn),
            false => self.published(message, taken, turn),
        }
        true
    }

    /// A client asks who it is: as nats-server has it, that goes to a service of the system account.
    fn trace_question(&self, trace: &mut EventTrace) {
        if let (Some(system), Some(account)) = (self.settings.accounts.system(), self.account()) {
            trace.add_service_import(&ServiceImport {
                account: system.name(),
                from: user_info::SUBJECT,
                to: system_subject::user_info(account.name()).as_bytes(),
            });
        }
    }

    /// Publishes a message so that nobody else traces it either.
    fn publish_disabled(
        &mut self,
        message: &Publish<'_>,
        mapped_from: Option<&[u8]>,
        header: &[u8],
        turn: &mut impl Turn,
    ) {
        let header = with_tracing_disabled(header);
        let body = [&header, message.payload()].concat();
        let sizes = [header.len(), body.len()].map(|size| size.to_string());
        let message = Publish {
            header_size: Some(header.len()),
            header_size_text: sizes[0].as_bytes(),
            size_text: sizes[1].as_bytes(),
            tail: None,
            body: &body,
            ..*message
        };
        let _ = self.publish_untraced(&message, mapped_from, turn);
    }

    /// A message is too large, and its connection is closed: if what has come of its headers asks for a trace, that says
    /// so.
    #[cold]
    pub(crate) fn trace_oversized(&mut self, input: &[u8], turn: &mut impl Turn) {
        let Some(message) =
            oversized(input, &self.frame_limits).filter(|message| self.asking().is_done_by(message.header))
        else {
            return;
        };
        if let Some(request) = TraceRequest::read(message.header)
            && let Asked::Granted(granted) = self.grant(&request, turn)
        {
            let error = Violation::MaximumPayload.to_string();
            let trace = self.trace_of(granted, &request, message.subject, message.size, &error);
            turn.publish_event(Box::new(trace));
        }
    }

    /// What asks for a trace in its account.
    #[inline]
    pub(crate) fn asking(&self) -> Asking {
        Asking {
            by_context: self.context_tracing.is_some(),
        }
    }

    /// Whether a message may be traced that asks for it. Nobody has events sent to where it may not publish, also where
    /// its account says so.
    fn grant(&mut self, request: &TraceRequest<'_>, turn: &mut impl Turn) -> Asked {
        let context_tracing = self.context_tracing.clone();
        let (destination, only, sampling) = match (&request.activation, &context_tracing) {
            (Activation::Named { destination, only }, _) => (*destination, *only, EVERYTHING),
            (Activation::Context, Some(tracing)) => (tracing.destination.as_bytes(), false, tracing.sampling),
            // No account says where such traces go.
            (Activation::Context, None) => return Asked::InVain,
        };
        if request.origin_account.is_none() && fastrand::u8(..EVERYTHING) >= sampling {
            return Asked::NotSampled;
        }
        let is_subject =
            subject::is_valid_literal(destination) && !destination.iter().any(u8::is_ascii_whitespace);
        let error = match request.origin_account {
            Some(account) => format!(
                "Message tracing disabled because of header \"Nats-Trace-Origin-Account\" with value={}",
                Said(account)
            ),
            None if !is_subject => format!(
                "Destination {} is not valid, won't be able to trace events",
                Said(destination)
            ),
            None => String::new(),
        };
        if !error.is_empty() {
            self.report_error(&error, turn.now());
            return if only { Asked::Refused } else { Asked::InVain };
        }
        if !self.may_be_sent_traces(destination) {
            let complaint = Complaint::PublishPermission { subject: destination };
            self.complain(&complaint, turn);
            return Asked::Refused;
        }
        Asked::Granted(Granted {
            destination: destination.into(),
            without_delivery: only,
            encoding: request.encoding,
        })
    }

    /// Of a message of so many bytes, headers included.
    fn trace_of(
        &self,
        granted: Granted,
        request: &TraceRequest<'_>,
        subject: &[u8],
        size: usize,
        error: &str,
    ) -> EventTrace {
        let ingress = Ingress {
            kind: ShownKind::Client,
            connection: self.id,
            name: self.options().map(|options| &*options.name).unwrap_or_default(),
            account: self.account().map_or("", |account| account.name()),
            subject,
            error,
        };
        EventTrace {
            settings: self.settings.clone(),
            event: Some(TraceEvent::new(request.headers, size, &now(), &ingress)),
            writing: None,
            granted,
        }
    }
}

/// The time, by RFC 3339.
fn now() -> String {
    jiff::Timestamp::now().to_string()
}

/// A trace of which JSON is made.
struct EventTrace {
    settings: Arc<ClientSettings>,
    granted: Granted,
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
        let destination = String::from_utf8_lossy(&self.granted.destination);
        out.debug_struct("EventTrace")
            .field("destination", &destination)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

impl EventTrace {
    /// The message is published on another subject than it came on.
    fn add_mapping(&mut self, to: &[u8]) {
        if let Some(event) = &mut self.event {
            event.add_mapping(&now(), &SubjectMapping { to });
        }
    }

    /// The event as text.
    fn text(&self, event: TraceEvent) -> Vec<u8> {
        event.into_json(&self.settings.next_server_shown(&now()))
    }
}

impl Trace for EventTrace {
    fn is_without_delivery(&self) -> bool {
        self.granted.without_delivery
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

    fn add_egress(&mut self, egress: &Egress<'_>) {
        if let Some(event) = &mut self.event {
            event.add_egress(&now(), egress);
        }
    }

    fn make_event(&mut self) -> Option<OwnMessage> {
        if let Some(event) = self.event.take() {
            self.writing = Some(Writing {
                json: self.text(event),
                written: 0,
                encoder: Encoder::new(self.granted.encoding),
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
            subject: std::mem::take(&mut self.granted.destination),
            header: self.granted.encoding.map_or(b"", ContentEncoding::header),
            payload: writing.encoder.finish(),
        })
    }
}
