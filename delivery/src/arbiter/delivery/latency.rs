//! How long requests to services of other accounts take, told where the exporting account wants it (ADR-3).

use super::Delivery;
use super::crossing::Asks;
use crate::account::{Account, AnsweredBy, Ended, Measured, OtherHalf, RequestWay};
use crate::arbiter::tracing::OwnMessage;
use crate::moment::TimeOfDay;
use crate::outbox::{Outbox, request_info};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_accounts::{RESPONSE_PREFIX, Sampling};
use vagus_protocol::operation::Publish;
use vagus_protocol::service_latency::{MeasuredElsewhere, Outcome, elsewhere_subject, marked_by, sampled_by};
use vagus_routing::ConnectionKind;

/// How many digits of an event's id there are, as nats-server has it.
const ID_DIGITS: usize = 22;

impl Delivery {
    /// Who publishes in this turn is told of where other accounts are.
    #[inline]
    pub fn set_publisher(&mut self, publisher: &Arc<Outbox>) {
        if !self
            .publisher
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, publisher))
        {
            self.publisher = Some(publisher.clone());
        }
    }

    /// What is published next is from the cluster of leaf nodes of this name, as its origin says.
    #[inline]
    pub fn set_leaf_cluster(&mut self, name: &[u8]) {
        if self.leaf_cluster != name {
            self.leaf_cluster.clear();
            self.leaf_cluster.extend_from_slice(name);
        }
    }

    pub(in crate::arbiter) fn forget_publisher(&mut self) {
        self.publisher = None;
    }

    /// What is to be known of a request to tell how long it took; None if nobody wants to know.
    pub(super) fn measure(
        &mut self,
        route: &RequestWay,
        asks: &Asks<'_>,
        message: &Publish<'_>,
    ) -> Option<Measured> {
        let latency = route.service().terms().latency.as_ref()?;
        let drawn = match latency.sampling {
            Sampling::Percent(percent) => self.random.u8(..100) < percent,
            Sampling::Headers => false,
        };
        let header = match drawn {
            true => None,
            false => Some(sampled_by(message.header()?)?),
        };
        let importer = route.importer()?;
        Some(Measured {
            number: importer.next_measured(),
            reply: message.reply.unwrap_or_default().into(),
            party: self.publisher.as_ref().and_then(|publisher| publisher.party()),
            detailed: asks.detailed,
            importer,
            exporter: route.exporter().clone(),
            subject: latency.subject.clone(),
            header,
            asked: Instant::now(),
            time: TimeOfDay::now(),
        })
    }

    /// Tells the exporting account what became of a request, behind what is delivered already.
    pub(super) fn tell_latency(
        &mut self,
        measured: &Measured,
        outcome: Outcome,
        took: Duration,
        by: AnsweredBy<'_>,
    ) {
        let id: String = (0..ID_DIGITS).map(|_| self.random.alphanumeric()).collect();
        let event = measured.event(outcome, &id, took, by);
        let message = OwnMessage {
            subject: event.subject.as_bytes().into(),
            header: b"",
            payload: event.payload,
        };
        self.answer(&measured.exporter, message);
    }

    /// The answer to a measured request has come, on this subject of the account that owes it.
    pub(super) fn tell_of_answer(
        &mut self,
        measured: &Arc<Measured>,
        subject: &[u8],
        account: &Account,
        kind: ConnectionKind,
    ) {
        let took = measured.asked.elapsed();
        if matches!(kind, ConnectionKind::Route | ConnectionKind::Gateway) {
            let now = self.staging.now();
            match account.answers().answered_elsewhere(subject, measured, took, now) {
                OtherHalf::Known(elsewhere) => {
                    let by = AnsweredBy::Elsewhere(&elsewhere);
                    self.tell_latency(measured, Outcome::Answered, took, by);
                }
                OtherHalf::Later => {}
                OtherHalf::Unknown => {
                    self.tell_latency(measured, Outcome::Answered, took, AnsweredBy::Unknown);
                }
            }
            return;
        }
        let party = self.publisher.as_ref().and_then(|publisher| publisher.party());
        let responder = request_info(party.as_deref(), account.name(), "", true);
        self.tell_latency(measured, Outcome::Answered, took, AnsweredBy::Here(&responder));
    }

    /// Tells what became of requests that were not answered here, or not in time.
    pub(in crate::arbiter) fn tell_of_ended(&mut self, ended: &Ended) {
        for (measured, outcome, took) in &ended.0 {
            self.tell_latency(measured, *outcome, *took, AnsweredBy::Unknown);
        }
    }

    /// Looks whether a message is a question of another server that wants to know how long the answer takes, or the answer to
    /// one; then that server is told, before the answer comes to it. For accounts of which others are told.
    #[inline]
    pub fn measure_for_others(&mut self, account: &Account, message: &Publish<'_>, kind: ConnectionKind) {
        if kind == ConnectionKind::Route {
            if let Some(reply) = message.reply
                && marked_by(reply).is_some()
                && let Some(questions) = account.questions()
            {
                questions.asked(reply, Instant::now());
            }
        } else if message.subject.starts_with(RESPONSE_PREFIX) {
            self.measure_answer(account, message.subject);
        }
    }

    #[cold]
    fn measure_answer(&mut self, account: &Account, subject: &[u8]) {
        let Some(server) = marked_by(subject) else {
            return;
        };
        let Some(questions) = account.questions() else {
            return;
        };
        let (Some(asked), Ok(reply)) = (questions.answered(subject), std::str::from_utf8(subject)) else {
            return;
        };
        let took = asked.elapsed();
        let party = self.publisher.as_ref().and_then(|publisher| publisher.party());
        let responder = request_info(party.as_deref(), account.name(), "", true).into_owned();
        let service = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let measured = MeasuredElsewhere {
            service: service.saturating_sub(responder.round_trip),
            responder,
        };
        let start = TimeOfDay::now().minus(took).to_rfc3339();
        let message = OwnMessage {
            subject: elsewhere_subject(server).into_bytes().into(),
            header: b"",
            payload: measured.to_json(account.name(), reply, &start),
        };
        let system = questions.system().clone();
        self.answer(&system, message);
    }
}
