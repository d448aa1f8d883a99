//! What clients say to consumers: that they want messages, what has become of those that they got, and that they listen.

use super::{AtWork, moment};
use crate::api::requires_other_level;
use crate::consumer::{Acknowledged, Delivery, read_flow};
use crate::held::Messages;
use crate::stream::{Effect, Stream, Surroundings};
use bytes::Bytes;

impl<M: Messages> Stream<M> {
    /// Somebody asks a consumer for messages, which are to go to `reply`. Nothing comes of it if there is no such consumer.
    pub fn pull(
        &mut self,
        around: &Surroundings<'_>,
        name: &str,
        reply: &Bytes,
        headers: &[u8],
        body: &[u8],
    ) {
        let Ok(number) = self.consumers.named(name).map(|consumer| consumer.number) else {
            return;
        };
        if reply.is_empty() {
            return;
        }
        self.with_consumer(number, |work| {
            let AtWork {
                consumer,
                view,
                mut out,
            } = work;
            if consumer.is_pull() && requires_other_level(headers) {
                out.status(reply, Bytes::new(), "412 Required Api Level");
                return;
            }
            consumer.pull(reply, body, &view, moment(around), &mut out);
        });
        self.consumers.make_ready(number);
    }

    /// Whether somebody who asks a consumer for messages, and does not wait for them, would get more when what is on its way
    /// into the log is there.
    pub fn may_pull_ahead(&mut self, name: &str, body: &[u8]) -> bool {
        if self.ahead.messages == 0 {
            return false;
        }
        let Ok(consumer) = self.consumers.named(name) else {
            return false;
        };
        let (number, filter) = (consumer.number, &consumer.filter);
        let is_wanted = |subject: &[u8]| filter.matches(subject);
        if !consumer.is_pull() || !self.ahead.may_have(is_wanted) {
            return false;
        }
        self.with_consumer(number, |work| work.consumer.lacks_messages(body, &work.view)) == Some(true)
    }

    /// Somebody says what has become of a message, on the subject that it came with. If he wants to know that this has been
    /// noted, he is told so when it is in the log.
    pub fn acknowledge(&mut self, around: &Surroundings<'_>, subject: &[u8], reply: &Bytes, body: &[u8]) {
        let Some(about) = Acknowledged::read(subject) else {
            return;
        };
        let name = str::from_utf8(about.consumer).unwrap_or_default();
        let Ok(number) = self.consumers.named(name).map(|consumer| consumer.number) else {
            return;
        };
        if about.stream != self.config.name.as_bytes() {
            return;
        }
        let outcome = self.with_consumer(number, |mut work| {
            let outcome = work
                .consumer
                .acknowledge(&about, body, moment(around), &mut work.out);
            if let Some(request) = &outcome.next
                && !reply.is_empty()
            {
                let AtWork {
                    consumer,
                    view,
                    mut out,
                } = work;
                consumer.pull(reply, request, &view, moment(around), &mut out);
            }
            outcome
        });
        let Some(outcome) = outcome else {
            return;
        };
        self.done_with(outcome.done_with);
        self.consumers.make_ready(number);
        if outcome.is_answered && !reply.is_empty() {
            self.confirm(number, reply);
        }
    }

    /// Tells somebody that what he said of a message is in the log, when it is.
    fn confirm(&mut self, number: u64, reply: &Bytes) {
        self.log_changes_of(number);
        let answer = Effect::Deliver {
            to: reply.clone(),
            group: Bytes::new(),
            deliveries: vec![Delivery {
                subject: reply.clone(),
                reply: Bytes::new(),
                headers: Bytes::new(),
                payload: Bytes::new(),
            }],
        };
        if let Some(answer) = self.ahead.answer_after(answer) {
            self.effects.list.push(answer);
        }
    }

    /// Somebody has answered flow control, on this subject.
    pub fn answer_flow_control(&mut self, around: &Surroundings<'_>, subject: &[u8], headers: &[u8]) {
        let Some((stream, name)) = read_flow(subject) else {
            return;
        };
        let name = str::from_utf8(name).unwrap_or_default();
        let Ok(number) = self.consumers.named(name).map(|consumer| consumer.number) else {
            return;
        };
        if stream != self.config.name.as_bytes() {
            return;
        }
        let answered = self.with_consumer(number, |work| {
            work.consumer.flow_answered(subject, headers, moment(around))
        });
        if let Some(done_with) = answered.flatten() {
            self.done_with(done_with);
            self.consumers.make_ready(number);
        }
    }

    /// Somebody listens where a consumer pushes messages, or nobody does any more.
    pub fn set_bound(&mut self, around: &Surroundings<'_>, name: &str, is_bound: bool) {
        let Ok(number) = self.consumers.named(name).map(|consumer| consumer.number) else {
            return;
        };
        let is_ready = self.with_consumer(number, |work| work.consumer.set_bound(is_bound, around.now));
        if is_ready == Some(true) {
            self.consumers.make_ready(number);
        }
    }

    /// The stream goes: those who wait for messages are told so.
    pub fn end_consumers(&mut self) {
        let numbers: Vec<u64> = self.consumers.by_number.keys().copied().collect();
        for number in numbers {
            self.with_consumer(number, |mut work| {
                work.consumer.send_away(&mut work.out, "409 Consumer Deleted");
                work.consumer
                    .tell(&mut work.out, crate::consumer::ConsumerEvent::Deleted);
            });
        }
    }

    /// The server goes: those who wait for messages are told so.
    pub fn shut_consumers_down(&mut self) {
        let numbers: Vec<u64> = self.consumers.by_number.keys().copied().collect();
        for number in numbers {
            self.with_consumer(number, |mut work| {
                work.consumer.send_away(&mut work.out, "409 Server Shutdown");
            });
        }
    }
}
