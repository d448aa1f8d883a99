//! PUB and HPUB.

use crate::session::NatsSession;
use crate::{traced, user_info};
use vagus_actors::connection::{ANTICIPATED, Turn};
use vagus_auth::permission::Rights;
use vagus_protocol::error::Complaint;
use vagus_protocol::message;
use vagus_protocol::operation::{Operation, Publish};
use vagus_protocol::parser::{FrameLimits, Parsed, parse};
use vagus_routing::subject;

/// Subjects on which servers route replies and logs among themselves.
const RESERVED_SUBJECTS: [&[u8]; 2] = [b"_GR_.", b"$NRG."];

/// Subjects that a client may not have answers sent to.
const RESERVED_REPLIES: [&[u8]; 3] = [b"_R_.", b"$JS.ACK.", b"_GR_."];

/// What becomes of a message that may ask for a trace.
enum Traced {
    /// It is delivered.
    Delivered,
    /// It is counted, and delivered to nobody.
    NotDelivered,
    /// It is as if it had not come.
    Ignored,
}

impl NatsSession {
    /// False if the message was not delivered: the turn has not seen it, and knows nothing of its control line.
    #[inline]
    #[must_use]
    pub(crate) fn publish(&mut self, message: &Publish<'_>, turn: &mut impl Turn) -> bool {
        if self.wishes.trace {
            self.trace(&Operation::Publish(*message));
        }
        if let Some(header) = message.header()
            && traced::may_ask(header)
        {
            match self.trace_request(header, turn) {
                Traced::Delivered => {}
                Traced::NotDelivered => return self.withhold(message, turn),
                Traced::Ignored => return false,
            }
        }
        if !self.may_publish(message, turn) {
            turn.withhold(message.body.len());
            return false;
        }
        self.confirm(turn);
        let taken = turn.publish(message, self.wishes.echo);
        if message.subject == user_info::SUBJECT {
            if let Some(reply) = message.reply {
                self.tell_who_it_is(reply, turn);
            }
        } else if !taken && self.wishes.no_responders && message.reply.is_some() {
            self.no_responders(message, turn);
        }
        true
    }

    /// What becomes of a message whose header block may ask for a trace.
    #[cold]
    fn trace_request(&mut self, header: &[u8], turn: &mut impl Turn) -> Traced {
        let Some(request) = traced::asked(header) else {
            return Traced::Delivered;
        };
        let destination = request.destination;
        let is_subject =
            subject::is_valid_literal(destination) && !destination.iter().any(u8::is_ascii_whitespace);
        if request.began_elsewhere || !is_subject {
            return if request.only {
                Traced::Ignored
            } else {
                Traced::Delivered
            };
        }
        if !self.rights.may_publish(destination) || begins_with_any(destination, &RESERVED_SUBJECTS) {
            let complaint = Complaint::PublishPermission { subject: destination };
            self.complain(&complaint, turn);
            return Traced::Ignored;
        }
        if request.only {
            Traced::NotDelivered
        } else {
            Traced::Delivered
        }
    }

    /// A message that is published as any other, but not delivered.
    #[cold]
    fn withhold(&mut self, message: &Publish<'_>, turn: &mut impl Turn) -> bool {
        if self.may_publish(message, turn) {
            self.confirm(turn);
        }
        turn.withhold(message.body.len());
        false
    }

    #[inline]
    fn may_publish(&mut self, message: &Publish<'_>, turn: &mut impl Turn) -> bool {
        if self.wishes.pedantic && !subject::is_valid_literal(message.subject) {
            // Told, and delivered all the same.
            self.complain(&Complaint::InvalidPublishSubject, turn);
        }
        if !self.is_permitted(message.subject, turn) || begins_with_any(message.subject, &RESERVED_SUBJECTS) {
            self.complain(
                &Complaint::PublishPermission {
                    subject: message.subject,
                },
                turn,
            );
            return false;
        }
        if let Some(reply) = message
            .reply
            .filter(|reply| begins_with_any(reply, &RESERVED_REPLIES))
        {
            self.complain(&Complaint::ReplyPermission { reply }, turn);
            return false;
        }
        true
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

/// Where a client publishes on one subject after another, tells the turn which come next. `line` and `frame` are the
/// lengths of the first control line and frame of `input`. Gives how much of the input has been looked at.
pub(crate) fn look_ahead(
    input: &[u8],
    line: usize,
    frame: usize,
    limits: &FrameLimits,
    turn: &mut impl Turn,
) -> usize {
    // The usual case: the next message is like this one, and there is nothing to prepare.
    if input[frame..].starts_with(&input[..line]) || input.len() == frame {
        return 0;
    }
    let mut subjects: [&[u8]; ANTICIPATED] = [b""; ANTICIPATED];
    let mut found = 0;
    let mut at = 0;
    while found < ANTICIPATED {
        let Parsed::Frame {
            operation: Operation::Publish(publish),
            consumed,
        } = parse(&input[at..], limits)
        else {
            break;
        };
        subjects[found] = publish.subject;
        found += 1;
        at += consumed;
    }
    if found > 1 {
        turn.anticipate(&subjects[..found]);
    }
    at
}

/// A message whose control line the next may repeat: then nothing has to be parsed, checked or looked up.
#[derive(Debug, Default)]
pub(crate) struct Repeated<'a> {
    line: &'a [u8],
    frame_length: usize,
    /// Where what is behind the subject begins.
    tail: usize,
    payload: usize,
    /// Length of the header block: what each message has there is looked at.
    header: usize,
}

impl<'a> Repeated<'a> {
    /// What may be repeated of a message that the turn has just published in this frame: nothing if each message has
    /// to be looked at.
    #[inline]
    pub(crate) fn after(
        publish: &Publish<'_>,
        frame: &'a [u8],
        session: &NatsSession,
        turn: &impl Turn,
    ) -> Self {
        let wishes = &session.wishes;
        match publish.tail {
            Some(tail)
                if publish.reply.is_none()
                    && session.may_repeat(publish.subject)
                    && !wishes.verbose
                    && !wishes.pedantic
                    && !wishes.trace
                    && turn.may_publish_again() =>
            {
                Self {
                    line: &frame[..publish.line_len],
                    frame_length: frame.len(),
                    tail: frame.len() - tail.len(),
                    payload: publish.body.len(),
                    header: publish.header_size.unwrap_or(0),
                }
            }
            _ => Self::default(),
        }
    }

    /// Publishes the frame at the start of `input` if it repeats the control line; gives its length.
    #[inline]
    pub(crate) fn publish(&self, input: &[u8], turn: &mut impl Turn) -> Option<usize> {
        if self.line.is_empty() {
            return None;
        }
        let frame = input.get(..self.frame_length)?;
        if !frame.starts_with(self.line) || !frame.ends_with(b"\r\n") {
            return None;
        }
        if self.header > 0 && traced::may_ask(frame.get(self.line.len()..)?.get(..self.header)?) {
            return None;
        }
        turn.publish_again(&frame[self.tail..], self.payload);
        Some(self.frame_length)
    }
}
