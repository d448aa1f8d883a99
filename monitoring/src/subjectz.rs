//! `/subjectz`: the subjects with most traffic. A page of ours: nats-server has none like it.

use crate::Broker;
use crate::answer::{Document, Refusal};
use crate::query::Query;
use crate::units::{Decimal, Time};
use jiff::Timestamp;
use serde::Serialize;
use vagus_actors::subject::SubjectState;

/// How many subjects are shown unless it is said.
const LIMIT: usize = 256;

pub(super) async fn show(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    let limit = match query.natural("limit")? {
        0 => LIMIT,
        limit => usize::try_from(limit).unwrap_or(usize::MAX),
    };
    let (settings, _) = broker.settings.current();
    let subjects = broker
        .observatory
        .hot_subjects()
        .await
        .ok_or_else(Refusal::ending)?;
    query.document(&Subjectz {
        server_id: &settings.info.server_id,
        now: Time(Timestamp::now()),
        num_subjects: subjects.len(),
        limit,
        subjects: busiest(subjects, limit),
    })
}

/// The first so many by messages a second.
fn busiest(mut subjects: Vec<SubjectState>, limit: usize) -> Vec<HotSubject> {
    subjects.sort_by(|one, other| {
        let by_rate = other.rate.total_cmp(&one.rate);
        by_rate.then_with(|| one.subject.cmp(&other.subject))
    });
    subjects.truncate(limit);
    subjects
        .into_iter()
        .map(|subject| HotSubject {
            subject: subject.subject,
            rate: Decimal((subject.rate * 10.0).round() / 10.0),
            msgs: subject.messages,
            bytes: subject.payload,
            deliveries: subject.deliveries,
        })
        .collect()
}

#[derive(Serialize)]
struct Subjectz<'a> {
    server_id: &'a str,
    now: Time,
    num_subjects: usize,
    limit: usize,
    subjects: Vec<HotSubject>,
}

#[derive(Serialize)]
struct HotSubject {
    subject: String,
    /// Messages a second, smoothed over a few seconds.
    rate: Decimal,
    /// Since it became hot.
    msgs: u64,
    bytes: u64,
    /// How many connections and queue groups a message goes to.
    deliveries: usize,
}

#[cfg(test)]
mod tests {
    use super::busiest;
    use vagus_actors::subject::SubjectState;

    #[test]
    fn the_busiest_are_first() {
        let subject = |name: &str, rate| SubjectState {
            subject: name.to_owned(),
            messages: 7,
            payload: 70,
            rate,
            deliveries: 1,
        };
        let subjects = vec![
            subject("b", 2.0),
            subject("c", 300.04),
            subject("a", 2.0),
            subject("d", 1.0),
        ];
        let shown: Vec<(String, f64)> = busiest(subjects, 3)
            .into_iter()
            .map(|subject| (subject.subject, subject.rate.0))
            .collect();
        let expected = [("c", 300.0), ("a", 2.0), ("b", 2.0)];
        assert_eq!(shown, expected.map(|(name, rate)| (name.to_owned(), rate)));
    }
}
