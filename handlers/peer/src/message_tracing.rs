//! Messages of other servers that ask to be traced: this one tells where they come to, too.

use crate::ending::SHOWN_AT_MOST;
use std::fmt::Display;
use std::sync::Arc;
use vagus_actors::connection::Turn;
use vagus_delivery::arbiter::{DescribesServer, EventTrace, TraceTerms};
use vagus_protocol::message_trace::{
    Activation, Ingress, ShownKind, TraceRequest, may_ask, may_have_context, with_tracing_disabled,
};
use vagus_protocol::operation::Publish;
use vagus_protocol::quote::shortened;
use vagus_routing::{ConnectionId, subject};

/// What becomes of a message that may ask for a trace.
enum Asked {
    /// It is a message as any other.
    InVain,
    /// The same, and nobody else is to trace it.
    Disabled,
    /// It is as if it had not come.
    Refused,
    /// It is traced.
    Granted(TraceTerms),
}

/// Whether a message may ask for a trace.
#[inline]
pub(crate) fn may_be_traced(message: &Publish<'_>) -> bool {
    message
        .header()
        .is_some_and(|header| may_ask(header) || may_have_context(header))
}

/// Who passes on a message that may ask for a trace.
pub(crate) struct TracedPeer<'a, M> {
    pub(crate) kind: ShownKind,
    pub(crate) connection: ConnectionId,
    /// What it calls itself.
    pub(crate) name: &'a str,
    /// How the log calls it.
    pub(crate) party: &'a dyn Display,
    /// What events say of this server.
    pub(crate) server: &'a Arc<dyn DescribesServer>,
    /// Whether it may have this server publish there.
    pub(crate) may_publish: M,
}

impl<M: Fn(&[u8]) -> bool> TracedPeer<'_, M> {
    /// Passes on a message that may ask for a trace, in the account that the turn is in; false if it does not, and is to be
    /// passed on as any other.
    #[cold]
    pub(crate) fn pass_on(&self, account: &[u8], message: &Publish<'_>, turn: &mut impl Turn) -> bool {
        let Some(header) = message.header() else {
            return false;
        };
        let Some(request) = TraceRequest::read(header) else {
            return false;
        };
        match self.grant(&request, turn) {
            Asked::InVain => return false,
            Asked::Refused => turn.withhold(message.body.len()),
            Asked::Disabled => {
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
                turn.publish(&message, false);
            }
            Asked::Granted(terms) => {
                let account = String::from_utf8_lossy(account);
                let ingress = Ingress {
                    kind: self.kind,
                    connection: self.connection,
                    name: self.name,
                    account: &account,
                    subject: message.subject,
                    error: "",
                };
                let (server, size) = (self.server.clone(), message.body.len());
                let trace = EventTrace::new(server, terms, &request, size, &ingress);
                turn.publish_traced(message, false, Box::new(trace));
            }
        }
        true
    }

    /// Whether a message may be traced that asks for it: as in nats-server, that is logged where it may not, and no event goes
    /// to where this server does not want to have anything.
    fn grant(&self, request: &TraceRequest<'_>, turn: &impl Turn) -> Asked {
        let context_tracing;
        let (destination, only) = match &request.activation {
            Activation::Named { destination, only } => (*destination, *only),
            Activation::Context => {
                context_tracing = turn.context_tracing();
                match &context_tracing {
                    Some(tracing) => (tracing.destination.as_bytes(), false),
                    // No account says where such traces go.
                    None => return Asked::InVain,
                }
            }
        };
        let in_vain = |only: bool, otherwise| if only { Asked::Refused } else { otherwise };
        if let Some(account) = request.origin_account {
            log::error!(
                "{} - Message tracing disabled because of header \"Nats-Trace-Origin-Account\" with value={}",
                self.party,
                shortened(account, SHOWN_AT_MOST)
            );
            return in_vain(only, Asked::Disabled);
        }
        if !subject::is_valid_literal(destination) || destination.iter().any(u8::is_ascii_whitespace) {
            log::error!(
                "{} - Destination {} is not valid, won't be able to trace events",
                self.party,
                shortened(destination, SHOWN_AT_MOST)
            );
            return in_vain(only, Asked::InVain);
        }
        if !(self.may_publish)(destination) {
            log::error!(
                "{} - Publish Violation - Subject {}",
                self.party,
                shortened(destination, SHOWN_AT_MOST)
            );
            return Asked::Refused;
        }
        Asked::Granted(TraceTerms {
            destination: destination.into(),
            is_without_delivery: only,
            encoding: request.encoding,
        })
    }
}
