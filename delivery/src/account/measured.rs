//! Requests to services of other accounts of which it is told how long they take (ADR-3).

use super::Account;
use crate::moment::TimeOfDay;
use crate::outbox::{Party, request_info};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_protocol::request_info::RequestInfo;
use vagus_protocol::service_latency::{Headers, MeasuredElsewhere, Outcome, ServiceLatency};

/// A request of which it is told how long it takes.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Tells it from others of its account.
    pub(crate) number: u64,
    /// Where the answer is to go; empty if nowhere.
    pub(crate) reply: Box<[u8]>,
    /// Who asked, and whether everything is told of it.
    pub(crate) party: Option<Arc<Party>>,
    pub(crate) detailed: bool,
    /// The account in which it asked, and the one that is told, where.
    pub(crate) importer: Arc<Account>,
    pub(crate) exporter: Arc<Account>,
    pub(crate) subject: Box<str>,
    /// The headers that it is measured for, where it is for them.
    pub(crate) header: Option<Headers>,
    pub(crate) asked: Instant,
    pub(crate) time: TimeOfDay,
}

/// Who has answered a request.
#[derive(Debug)]
pub(crate) enum AnsweredBy<'a> {
    /// Nobody, or somebody of whom nothing is known.
    Unknown,
    /// A client of this server.
    Here(&'a RequestInfo<'a>),
    /// A client of another server, which has measured how long that took.
    Elsewhere(&'a MeasuredElsewhere),
}

/// What an exporting account is told of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct LatencyEvent {
    /// Where.
    pub subject: Box<str>,
    /// What, as JSON.
    pub payload: Vec<u8>,
}

impl Measured {
    /// What the exporting account is told of it; how long it took to be answered counts only if it was. `id` is one that no
    /// other event has.
    pub(crate) fn event(
        &self,
        outcome: Outcome,
        id: &str,
        took: Duration,
        by: AnsweredBy<'_>,
    ) -> LatencyEvent {
        let requestor = request_info(self.party.as_deref(), self.importer.name(), "", self.detailed);
        let (took, to_asker) = match outcome {
            Outcome::Answered => (nanoseconds(took), requestor.round_trip),
            _ => (0, 0),
        };
        let before = Duration::from_nanos(requestor.round_trip);
        let (responder, service, system) = match by {
            AnsweredBy::Unknown => (None, took, 0),
            AnsweredBy::Here(responder) => {
                let service = took.saturating_sub(responder.round_trip);
                (Some(responder.clone()), service, 0)
            }
            AnsweredBy::Elsewhere(MeasuredElsewhere { responder, service }) => {
                let system = took.saturating_sub(service.saturating_add(responder.round_trip));
                (Some(responder.clone()), *service, system)
            }
        };
        let event = ServiceLatency {
            id,
            time: &TimeOfDay::now().to_rfc3339(),
            outcome,
            requestor: Some(requestor),
            responder,
            header: self.header.as_ref(),
            start: &self.time.minus(before).to_rfc3339(),
            service,
            system,
            total: took.saturating_add(to_asker),
        };
        LatencyEvent {
            subject: self.subject.clone(),
            payload: event.to_json(),
        }
    }

    #[cfg(test)]
    pub(super) fn example() -> Self {
        let account = |name| Arc::new(Account::new(vagus_routing::AccountId(1), name));
        Self {
            number: 0,
            reply: b"inbox".as_slice().into(),
            party: None,
            detailed: false,
            importer: account("B"),
            exporter: account("A"),
            subject: "told".into(),
            header: None,
            asked: Instant::now(),
            time: TimeOfDay::now(),
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{AnsweredBy, Measured};
    use std::time::Duration;
    use vagus_protocol::request_info::RequestInfo;
    use vagus_protocol::service_latency::{MeasuredElsewhere, Outcome};

    fn times(outcome: Outcome, by: AnsweredBy<'_>) -> [u64; 3] {
        let event = Measured::example().event(outcome, "i", Duration::from_nanos(100), by);
        assert_eq!(&*event.subject, "told");
        let json: serde_json::Value = serde_json::from_slice(&event.payload).unwrap();
        ["service", "system", "total"].map(|name| json[name].as_u64().unwrap())
    }

    fn responder() -> RequestInfo<'static> {
        RequestInfo {
            round_trip: 30,
            ..RequestInfo::default()
        }
    }

    #[test]
    fn times_are_taken_apart_by_who_has_spent_them() {
        let elsewhere = |service| MeasuredElsewhere {
            responder: responder(),
            service,
        };
        assert_eq!(
            times(Outcome::Answered, AnsweredBy::Here(&responder())),
            [70, 0, 100]
        );
        let answered = |service| times(Outcome::Answered, AnsweredBy::Elsewhere(&elsewhere(service)));
        assert_eq!(answered(50), [50, 20, 100]);
        // Clocks of two servers need not agree.
        assert_eq!(answered(90), [90, 0, 100]);
        assert_eq!(times(Outcome::Answered, AnsweredBy::Unknown), [100, 0, 100]);
        assert_eq!(times(Outcome::Abandoned, AnsweredBy::Unknown), [0; 3]);
    }
}
