//! Messages that ask to be traced: whether they are, and the event that comes of it.

use crate::ClientSettings;
use crate::evidence::Said;
use crate::session::NatsSession;
use crate::user_info;
use vagus_actors::connection::Turn;
use vagus_delivery::arbiter::{DescribesServer, EventTrace, Trace, TraceTerms};
use vagus_protocol::error::{Complaint, Violation};
use vagus_protocol::html_safe_json;
use vagus_protocol::message_trace::{
    Activation, Ingress, ServiceImport, ShownKind, TraceRequest, may_ask, may_have_context,
    with_tracing_disabled,
};
use vagus_protocol::operation::Publish;
use vagus_protocol::parser::oversized;
use vagus_protocol::system_subject;
use vagus_routing::subject;

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
    Granted(TraceTerms),
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
        Asked::Granted(TraceTerms {
            destination: destination.into(),
            is_without_delivery: only,
            encoding: request.encoding,
        })
    }

    /// Of a message of so many bytes, headers included.
    fn trace_of(
        &self,
        granted: TraceTerms,
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
        EventTrace::new(self.settings.clone(), granted, request, size, &ingress)
    }
}

impl DescribesServer for ClientSettings {
    fn append_description(&self, time: &str, out: &mut Vec<u8>) {
        html_safe_json::append(out, &self.next_server_shown(time));
    }
}
