//! PUB and HPUB.

use crate::message_tracing::Asking;
use crate::session::NatsSession;
use crate::user_info;
use vagus_actors::connection::{RepeatedMessage, Turn};
use vagus_auth::permission::Rights;
use vagus_protocol::error::Complaint;
use vagus_protocol::message;
use vagus_protocol::operation::Publish;
use vagus_protocol::repeated_line::is_same;
use vagus_routing::subject;

/// Subjects on which servers route replies and logs among themselves.
const RESERVED_SUBJECTS: [&[u8]; 2] = [b"_GR_.", b"$NRG."];

/// Subjects that a client may not have answers sent to.
const RESERVED_REPLIES: [&[u8]; 3] = [b"_R_.", b"$JS.ACK.", b"_GR_."];

impl NatsSession {
    /// False if the turn knows nothing of its control line: it has not seen the message, or has not delivered it as any
    /// other. `mapped_from` is the subject that it came on, if it is published on another; `asks` says whether its headers
    /// may ask for a trace.
    #[inline]
    #[must_use]
    pub(crate) fn publish(
        &mut self,
        message: &Publish<'_>,
        mapped_from: Option<&[u8]>,
        asks: bool,
        turn: &mut impl Turn,
    ) -> bool {
        if self.client_options.logged {
            self.log_message(message, mapped_from);
        }
        if asks && self.publish_traced(message, mapped_from, turn) {
            return false;
        }
        self.publish_untraced(message, mapped_from, turn)
    }

    /// As [`NatsSession::publish`], whatever the headers ask for.
    #[inline]
    pub(crate) fn publish_untraced(
        &mut self,
        message: &Publish<'_>,
        mapped_from: Option<&[u8]>,
        turn: &mut impl Turn,
    ) -> bool {
        if let Some(complaint) = self.refusal(message, mapped_from, turn) {
            self.complain(&complaint, turn);
            turn.withhold(message.body.len());
            return false;
        }
        self.confirm(turn);
        let taken = turn.publish(message, self.client_options.echo);
        self.published(message, taken, turn);
        true
    }

    /// As [`NatsSession::delivered`], but the server may be who answers.
    #[inline]
    pub(crate) fn published(&mut self, message: &Publish<'_>, taken: bool, turn: &mut impl Turn) {
        if message.subject == user_info::SUBJECT {
            if let Some(reply) = message.reply {
                self.tell_who_it_is(reply, turn);
            }
        } else {
            self.delivered(message, taken, turn);
        }
    }

    /// What the publisher is told of a message of which somebody or nobody took a copy.
    #[inline]
    pub(crate) fn delivered(&mut self, message: &Publish<'_>, taken: bool, turn: &mut impl Turn) {
        if !taken && self.client_options.no_responders && message.reply.is_some() {
            self.no_responders(message, turn);
        }
    }

    /// Why a message is not published, if it is not. As in nats-server, it has to be permitted where it is published, not
    /// where it came; only the form of the subject is that which it came with.
    #[inline]
    pub(crate) fn refusal<'m>(
        &mut self,
        message: &Publish<'m>,
        mapped_from: Option<&[u8]>,
        turn: &mut impl Turn,
    ) -> Option<Complaint<'m>> {
        if self.client_options.pedantic && !subject::is_valid_literal(mapped_from.unwrap_or(message.subject))
        {
            // Told, and delivered all the same.
            self.complain(&Complaint::InvalidPublishSubject, turn);
        }
        if !self.is_permitted(message.subject, turn) || begins_with_any(message.subject, &RESERVED_SUBJECTS) {
            return Some(Complaint::PublishPermission {
                subject: message.subject,
            });
        }
        let reply = message.reply?;
        begins_with_any(reply, &RESERVED_REPLIES).then_some(Complaint::ReplyPermission { reply })
    }

    /// Whether events of traces may be sent there for the client.
    pub(crate) fn may_be_sent_traces(&self, destination: &[u8]) -> bool {
        self.rights.may_publish(destination) && !begins_with_any(destination, &RESERVED_SUBJECTS)
    }

    /// Whether a message is going to be published, as far as that can be said before it is: nothing is counted or said.
    /// An answer to a request may be, as one of those is left or not.
    #[inline]
    pub(crate) fn is_to_be_published(&mut self, message: &Publish<'_>) -> bool {
        self.is_permitted_for_good(message.subject)
            .unwrap_or_else(|| self.rights.response_permission().is_some())
            && !begins_with_any(message.subject, &RESERVED_SUBJECTS)
            && !message
                .reply
                .is_some_and(|reply| begins_with_any(reply, &RESERVED_REPLIES))
    }

    /// Whether all that is to be done about a message that is [to be published](Self::is_to_be_published) is to deliver it:
    /// nothing is said, logged or counted beside.
    #[inline]
    pub(crate) fn is_just_delivered(&self, message: &Publish<'_>) -> bool {
        let client_options = &self.client_options;
        !client_options.verbose
            && !client_options.pedantic
            && !client_options.logged
            && self.may_repeat(message.subject)
            && !self.must_authenticate()
    }

    /// Whether the client may publish on a subject, by what it was permitted or as an answer.
    #[inline]
    fn is_permitted(&mut self, subject: &[u8], turn: &mut impl Turn) -> bool {
        self.is_permitted_for_good(subject)
            .unwrap_or_else(|| turn.answers_request(subject))
    }

    /// Whether the client may publish on a subject by what it was permitted; None if it may as an answer at most.
    #[inline]
    fn is_permitted_for_good(&mut self, subject: &[u8]) -> Option<bool> {
        let matcher = match &self.rights {
            Rights::Everything => return Some(true),
            Rights::Nothing => return Some(false),
            Rights::By(matcher) => matcher,
        };
        if self.permitted == subject {
            return Some(true);
        }
        if matcher.may_publish(subject) {
            self.permitted.clear();
            self.permitted.extend_from_slice(subject);
            return Some(true);
        }
        None
    }

    /// Nobody answers: a requester that waits on a plain subscription of its own is told at once.
    #[cold]
    fn no_responders(&mut self, message: &Publish<'_>, turn: &mut impl Turn) {
        let Some(reply) = message.reply else {
            return;
        };
        if let Some(sid) = turn.own_plain_sid(reply) {
            let mut status = Vec::new();
            message::append_no_responders(&mut status, reply, &sid, message.subject);
            self.say(&status, turn);
        }
    }
}

impl NatsSession {
    /// Whether a subject that was just published on may be published on again without a look: an answer may not.
    #[inline]
    fn may_repeat(&self, subject: &[u8]) -> bool {
        matches!(self.rights, Rights::Everything) || self.permitted == subject
    }
}

#[inline]
fn begins_with_any(subject: &[u8], prefixes: &[&[u8]]) -> bool {
    matches!(subject.first(), Some(b'_' | b'$')) && prefixes.iter().any(|prefix| subject.starts_with(prefix))
}

/// A message whose control line the next may repeat.
#[derive(Debug, Default)]
pub(crate) struct Repeated<'a> {
    message: RepeatedMessage<'a>,
    /// The header block, which asks for no trace: what each message has there is looked at.
    header: &'a [u8],
    /// What asking is.
    asking: Asking,
}

impl<'a> Repeated<'a> {
    /// What may be repeated of a message that the turn has just published in this frame: nothing if each message has
    /// to be looked at.
    #[inline]
    pub(crate) fn after(publish: &Publish<'_>, frame: &'a [u8], session: &NatsSession) -> Self {
        let client_options = &session.client_options;
        if !session.may_repeat(publish.subject)
            || client_options.verbose
            || client_options.pedantic
            || client_options.logged
        {
            return Self::default();
        }
        let behind = &frame[publish.line_len..];
        Self {
            message: RepeatedMessage::of(publish, frame),
            header: &behind[..publish.header_size.unwrap_or(0)],
            asking: session.asking(),
        }
    }

    /// Publishes the frames at the start of `input` that repeat the control line, and ask for no trace, as far as the turn
    /// allows; gives their length.
    #[inline]
    pub(crate) fn publish(&self, input: &[u8], turn: &mut impl Turn) -> Option<usize> {
        self.message
            .publish(input, turn, |behind| !self.may_ask_for_a_trace(behind))
    }

    /// The headers of the message before, which asked for none, are often repeated as well.
    #[inline]
    fn may_ask_for_a_trace(&self, behind: &[u8]) -> bool {
        !self.header.is_empty()
            && behind
                .get(..self.header.len())
                .is_none_or(|header| !is_same(header, self.header) && self.asking.is_done_by(header))
    }
}
