//! What is said of messages that were delivered.

use super::config::AckPolicy;
use super::progress::{Change, Position};
use super::reply::Acknowledged;
use super::request::NakOptions;
use super::unacknowledged::Delivered;
use super::view::View;
use super::{Concerned, Consumer, ConsumerEvent, Moment, Outgoing};
use crate::header;
use crate::held::Messages;
use vagus_protocol::duration;

/// What has come of what was said of a message.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Messages that are done with.
    pub(crate) done_with: Vec<u64>,
    /// Whether who said so is answered, if he wants an answer.
    pub(crate) is_answered: bool,
    /// What else he wants: more messages, as a request for them says.
    pub(crate) next: Option<Vec<u8>>,
}

impl Consumer {
    /// Something is said of a message.
    pub(crate) fn acknowledge(
        &mut self,
        about: &Acknowledged<'_>,
        body: &[u8],
        moment: Moment<'_>,
        out: &mut Outgoing<'_>,
    ) -> Outcome {
        self.used(moment.now);
        let done = |done_with: Option<Vec<u64>>| Outcome {
            is_answered: done_with.is_some(),
            done_with: done_with.unwrap_or_default(),
            next: None,
        };
        let nothing_done = Outcome {
            is_answered: true,
            ..Outcome::default()
        };
        if body.is_empty() || body == b"+ACK" || body == b"+OK" {
            return done(self.done(about, moment, out, true));
        }
        if let Some(request) = body.strip_prefix(b"+NXT") {
            let done_with = self.done(about, moment, out, true);
            return Outcome {
                is_answered: false,
                next: Some(request.to_vec()),
                ..done(done_with)
            };
        }
        if let Some(argument) = body.strip_prefix(b"-NAK") {
            self.refused(about, argument.trim_ascii(), moment, out);
        } else if body == b"+WPI" {
            self.in_progress(about.sequence, moment);
        } else if let Some(reason) = body.strip_prefix(b"+TERM") {
            let done_with = match self.terminate(about.sequence) {
                true => Some(Vec::new()),
                false => self.done(about, moment, out, false),
            };
            let event = ConsumerEvent::Terminated {
                message: concerned(about),
                reason: String::from_utf8_lossy(reason.trim_ascii()).into_owned(),
            };
            self.tell(out, event);
            return done(done_with);
        }
        nothing_done
    }

    /// A message is done with, or all up to it. Which; None: that is not possible.
    fn done(
        &mut self,
        about: &Acknowledged<'_>,
        moment: Moment<'_>,
        out: &mut Outgoing<'_>,
        is_sampled: bool,
    ) -> Option<Vec<u64>> {
        let sequence = about.sequence;
        match self.config.ack_policy {
            // What was never delivered cannot be acknowledged.
            AckPolicy::Explicit if sequence >= self.progress.next => None,
            AckPolicy::Explicit => {
                let before = self.progress.unacknowledged.get(sequence).copied();
                let was_kept = before.is_some() || self.progress.exhausted.contains_key(&sequence);
                if !was_kept {
                    return Some(Vec::new());
                }
                if let Some(before) = before.filter(|_| is_sampled) {
                    self.sample(about, &before, moment, out);
                }
                let change = Change::Acknowledged {
                    first: sequence,
                    last: sequence,
                    time: moment.now,
                };
                self.change(change);
                Some(vec![sequence])
            }
            AckPolicy::All if sequence >= self.progress.next => None,
            AckPolicy::All | AckPolicy::FlowControl => Some(self.done_up_to(about, moment)),
            AckPolicy::None => None,
        }
    }

    /// All messages up to one are done with. Which of them were waited for.
    fn done_up_to(&mut self, about: &Acknowledged<'_>, moment: Moment<'_>) -> Vec<u64> {
        let delivered = self.progress.delivered;
        let position = Position {
            consumer: about.consumer_sequence.min(delivered.consumer),
            stream: about.sequence.min(delivered.stream),
        };
        let change = Change::AcknowledgedUpTo {
            consumer_sequence: position.consumer,
            sequence: position.stream,
            time: moment.now,
        };
        let floor = self.progress.floor;
        if position.consumer <= floor.consumer || position.stream <= floor.stream {
            return Vec::new();
        }
        let mut done_with = self.progress.unacknowledged.up_to(position.stream);
        let exhausted = self.progress.exhausted.range(..=position.stream);
        done_with.extend(exhausted.map(|(sequence, _)| *sequence));
        self.change(change);
        done_with
    }

    /// Tells of an acknowledgement, of so many in a hundred.
    fn sample(
        &self,
        about: &Acknowledged<'_>,
        before: &Delivered,
        moment: Moment<'_>,
        out: &mut Outgoing<'_>,
    ) {
        let sampled = self.config.sampled();
        if sampled == 0 || (sampled < 100 && out.random.below(100) >= sampled) {
            return;
        }
        let event = ConsumerEvent::Acknowledged {
            message: concerned(about),
            after: moment.now.since(before.time),
        };
        self.tell(out, event);
    }

    /// Somebody cannot use a message now: it is delivered again, perhaps only after a time.
    fn refused(
        &mut self,
        about: &Acknowledged<'_>,
        argument: &[u8],
        moment: Moment<'_>,
        out: &mut Outgoing<'_>,
    ) {
        let sequence = about.sequence;
        let consumer_sequence = about.consumer_sequence;
        let progress = &self.progress;
        let is_possible =
            consumer_sequence > progress.floor.consumer && consumer_sequence <= progress.delivered.consumer;
        let Some(deliveries) = progress
            .unacknowledged
            .get(sequence)
            .map(|delivered| delivered.deliveries)
            .filter(|_| is_possible)
        else {
            return;
        };
        self.tell(out, ConsumerEvent::Naked(concerned(about)));
        if let Some(delay) = delay(argument) {
            let until = moment.now.after(delay);
            self.change(Change::Postponed { sequence, until });
        } else if self.is_last_delivery(deliveries) {
            self.exhaust(sequence, out);
        } else {
            self.deliver_again(sequence);
        }
    }

    /// Somebody still works on a message.
    fn in_progress(&mut self, sequence: u64, moment: Moment<'_>) {
        if let Some(delivered) = self.progress.unacknowledged.get(sequence) {
            let until = self.ack_wait.deadline(moment.now, delivered.deliveries);
            self.change(Change::Postponed { sequence, until });
        }
    }

    /// Flow control was answered. The messages that are done with by that; None: it was not the last request.
    pub(crate) fn flow_answered(
        &mut self,
        subject: &[u8],
        headers: &[u8],
        moment: Moment<'_>,
    ) -> Option<Vec<u64>> {
        if !self.flow.as_mut()?.answered(subject) {
            return None;
        }
        if self.config.ack_policy != AckPolicy::FlowControl {
            return Some(Vec::new());
        }
        let number = |name| header::get(headers, name).and_then(header::number);
        let sequence = number(header::LAST_STREAM).filter(|sequence| *sequence > 0);
        let Some(sequence) = sequence else {
            return Some(Vec::new());
        };
        let about = Acknowledged {
            stream: b"",
            consumer: b"",
            deliveries: 1,
            sequence,
            consumer_sequence: number(header::LAST_CONSUMER).unwrap_or(0),
            time: moment.now,
            pending: 0,
        };
        Some(self.done_up_to(&about, moment))
    }

    /// A message of a subject has gone from the stream.
    pub(crate) fn removed<M: Messages>(
        &mut self,
        sequence: u64,
        subject: &[u8],
        view: &View<'_, M>,
        out: &mut Outgoing<'_>,
    ) {
        self.progress.removed_of(subject, sequence, view);
        let Some(delivered) = self.progress.removed(sequence) else {
            return;
        };
        let event = ConsumerEvent::Terminated {
            message: Concerned {
                sequence,
                consumer_sequence: delivered.consumer_sequence,
                deliveries: delivered.deliveries,
            },
            reason: "Unacknowledged message was deleted".to_owned(),
        };
        self.tell(out, event);
    }
}

fn concerned(about: &Acknowledged<'_>) -> Concerned {
    Concerned {
        sequence: about.sequence,
        consumer_sequence: about.consumer_sequence,
        deliveries: about.deliveries,
    }
}

/// For how long a message is to be left alone, in nanoseconds; None: it does not say so in a way that is understood.
fn delay(argument: &[u8]) -> Option<i64> {
    match argument {
        [] => None,
        [b'{', ..] => NakOptions::from_json(argument).ok().map(|options| options.delay),
        text => duration::parse(str::from_utf8(text).ok()?),
    }
}
