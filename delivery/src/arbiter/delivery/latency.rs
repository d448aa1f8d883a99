//! How long requests to services of other accounts take, told where the exporting account wants it (ADR-3).

use super::Delivery;
use super::crossing::Asks;
use crate::account::{Account, Measured, RequestWay, Unanswered};
use crate::arbiter::tracing::OwnMessage;
use crate::moment::TimeOfDay;
use crate::outbox::{Outbox, Party, request_info};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_accounts::Sampling;
use vagus_protocol::operation::Publish;
use vagus_protocol::service_latency::{Outcome, ServiceLatency, sampled_by};

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
        Some(Measured {
            party: self.publisher.as_ref().and_then(|publisher| publisher.party()),
            detailed: asks.detailed,
            importer: route.importer()?,
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
        responder: Option<(Option<Arc<Party>>, &Account)>,
    ) {
        let took = measured.asked.elapsed();
        let round_trip = |party: Option<&Party>| party.map_or(Duration::ZERO, Party::round_trip);
        let asker = measured.party.as_deref();
        let (of_asker, of_responder) = (
            round_trip(asker),
            round_trip(responder.as_ref().and_then(|(party, _)| party.as_deref())),
        );
        let id: String = (0..ID_DIGITS).map(|_| self.random.alphanumeric()).collect();
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let is_answered = outcome == Outcome::Answered;
        let only_if_answered = |time: Duration| if is_answered { nanoseconds(time) } else { 0 };
        let event = ServiceLatency {
            id: &id,
            time: &TimeOfDay::now().to_rfc3339(),
            outcome,
            requestor: Some(request_info(
                asker,
                measured.importer.name(),
                "",
                measured.detailed,
            )),
            responder: responder
                .as_ref()
                .map(|(party, account)| request_info(party.as_deref(), account.name(), "", true)),
            header: measured.header.as_ref(),
            start: &measured.time.minus(of_asker).to_rfc3339(),
            service: only_if_answered(took.saturating_sub(of_responder)),
            system: 0,
            total: only_if_answered(took + of_asker),
        };
        let message = OwnMessage {
            subject: measured.subject.as_bytes().into(),
            header: b"",
            payload: event.to_json(),
        };
        self.answer(&measured.exporter, message);
    }

    /// Tells of requests that nobody has answered in time.
    pub(in crate::arbiter) fn tell_of_unanswered(&mut self, unanswered: &Unanswered) {
        for measured in &unanswered.0 {
            self.tell_latency(measured, Outcome::TimedOut, None);
        }
    }
}
