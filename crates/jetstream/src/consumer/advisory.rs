//! What is told of consumers to who listens for it.

use crate::time::{Time, or_zero};
use serde::Serialize;

/// Something that has become of a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advisory {
    /// Its name.
    pub consumer: String,
    /// What.
    pub event: ConsumerEvent,
}

/// What has become of a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumerEvent {
    /// It has been made.
    Created,
    /// It has gone.
    Deleted,
    /// It delivers nothing for a time, or does again.
    Paused {
        /// Whether it delivers nothing.
        is_paused: bool,
        /// Until then.
        until: Option<Time>,
    },
    /// A message has been delivered as often as it may be.
    MaxDeliveries {
        /// Which.
        sequence: u64,
        /// How often.
        deliveries: u64,
    },
    /// Somebody could not use a message now.
    Naked(Concerned),
    /// A message is not delivered again.
    Terminated {
        /// Which.
        message: Concerned,
        /// Why.
        reason: String,
    },
    /// A message was acknowledged.
    Acknowledged {
        /// Which.
        message: Concerned,
        /// After how many nanoseconds.
        after: i64,
    },
    /// One client is the only one that is served.
    Pinned {
        /// Of which group.
        group: String,
        /// By what the server knows it.
        id: String,
    },
    /// It is no longer.
    Unpinned {
        /// Of which group.
        group: String,
        /// Why: `admin` or `timeout`.
        reason: &'static str,
    },
}

/// The message that something is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concerned {
    /// Its sequence in the stream.
    pub sequence: u64,
    /// Which of the consumer's deliveries it was.
    pub consumer_sequence: u64,
    /// How often it was delivered.
    pub deliveries: u64,
}

/// What a server adds to what is told.
#[derive(Debug, Clone, Copy)]
pub struct AdvisoryContext<'a> {
    /// What nothing else that is told has: 22 letters and digits.
    pub id: &'a str,
    /// When it was.
    pub time: Time,
    /// The account.
    pub account: &'a str,
    /// The stream.
    pub stream: &'a str,
    /// The domain that it is in; empty: none.
    pub domain: &'a str,
}

#[derive(Default, Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    id: &'a str,
    timestamp: Time,
    #[serde(skip_serializing_if = "str::is_empty")]
    account: &'a str,
    stream: &'a str,
    consumer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pause_until: Option<Until>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumer_seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ack_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries: Option<u64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    domain: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Until(#[serde(serialize_with = "or_zero")] Option<Time>);

impl Advisory {
    /// On which subject it is told.
    #[must_use]
    pub fn subject(&self, stream: &str) -> String {
        let kind = match &self.event {
            ConsumerEvent::Created => "ADVISORY.CONSUMER.CREATED",
            ConsumerEvent::Deleted => "ADVISORY.CONSUMER.DELETED",
            ConsumerEvent::Paused { .. } => "ADVISORY.CONSUMER.PAUSE",
            ConsumerEvent::MaxDeliveries { .. } => "ADVISORY.CONSUMER.MAX_DELIVERIES",
            ConsumerEvent::Naked(_) => "ADVISORY.CONSUMER.MSG_NAKED",
            ConsumerEvent::Terminated { .. } => "ADVISORY.CONSUMER.MSG_TERMINATED",
            ConsumerEvent::Acknowledged { .. } => "METRIC.CONSUMER.ACK",
            ConsumerEvent::Pinned { .. } => "ADVISORY.CONSUMER.PINNED",
            ConsumerEvent::Unpinned { .. } => "ADVISORY.CONSUMER.UNPINNED",
        };
        format!("$JS.EVENT.{kind}.{stream}.{}", self.consumer)
    }

    /// What is told, in nats-server's JSON.
    #[must_use]
    pub fn json(&self, context: AdvisoryContext<'_>) -> Vec<u8> {
        let kind = match &self.event {
            ConsumerEvent::Created | ConsumerEvent::Deleted => "advisory.v1.consumer_action",
            ConsumerEvent::Paused { .. } => "advisory.v1.consumer_pause",
            ConsumerEvent::MaxDeliveries { .. } => "advisory.v1.max_deliver",
            ConsumerEvent::Naked(_) => "advisory.v1.nak",
            ConsumerEvent::Terminated { .. } => "advisory.v1.terminated",
            ConsumerEvent::Acknowledged { .. } => "metric.v1.consumer_ack",
            ConsumerEvent::Pinned { .. } => "advisory.v1.consumer_group_pinned",
            ConsumerEvent::Unpinned { .. } => "advisory.v1.consumer_group_unpinned",
        };
        let mut body = Body {
            kind: format!("io.nats.jetstream.{kind}"),
            id: context.id,
            timestamp: context.time,
            stream: context.stream,
            consumer: &self.consumer,
            domain: context.domain,
            ..Body::default()
        };
        match &self.event {
            ConsumerEvent::Created => body.action = Some("create"),
            ConsumerEvent::Deleted => body.action = Some("delete"),
            ConsumerEvent::Paused { is_paused, until } => {
                body.paused = Some(*is_paused);
                body.pause_until = Some(Until(*until));
            }
            ConsumerEvent::MaxDeliveries { sequence, deliveries } => {
                body.stream_seq = Some(*sequence);
                body.deliveries = Some(*deliveries);
            }
            ConsumerEvent::Naked(message) => body.concern(message),
            ConsumerEvent::Terminated { message, reason } => {
                body.concern(message);
                body.reason = reason;
            }
            ConsumerEvent::Acknowledged { message, after } => {
                body.concern(message);
                body.ack_time = Some(*after);
            }
            ConsumerEvent::Pinned { group, id } => {
                body.account = context.account;
                body.group = Some(group);
                body.pinned_id = Some(id);
            }
            ConsumerEvent::Unpinned { group, reason } => {
                body.account = context.account;
                body.group = Some(group);
                body.reason = reason;
            }
        }
        crate::api::json(&body)
    }
}

impl Body<'_> {
    fn concern(&mut self, message: &Concerned) {
        self.consumer_seq = Some(message.consumer_sequence);
        self.stream_seq = Some(message.sequence);
        self.deliveries = Some(message.deliveries);
    }
}

#[cfg(test)]
mod tests {
    use super::{Advisory, AdvisoryContext, Concerned, ConsumerEvent};
    use crate::time::Time;

    #[test]
    fn read_as_nats_servers() {
        let context = AdvisoryContext {
            id: "ID",
            time: Time(0),
            account: "A",
            stream: "S",
            domain: "",
        };
        let message = Concerned {
            sequence: 7,
            consumer_sequence: 3,
            deliveries: 2,
        };
        for (event, subject, kind, more) in [
            (
                ConsumerEvent::Created,
                "ADVISORY.CONSUMER.CREATED",
                "advisory.v1.consumer_action",
                r#""action":"create""#,
            ),
            (
                ConsumerEvent::Terminated {
                    message,
                    reason: "bad luck".to_owned(),
                },
                "ADVISORY.CONSUMER.MSG_TERMINATED",
                "advisory.v1.terminated",
                r#""consumer_seq":3,"stream_seq":7,"deliveries":2,"reason":"bad luck""#,
            ),
            (
                ConsumerEvent::Acknowledged { message, after: 5 },
                "METRIC.CONSUMER.ACK",
                "metric.v1.consumer_ack",
                r#""consumer_seq":3,"stream_seq":7,"ack_time":5,"deliveries":2"#,
            ),
            (
                ConsumerEvent::Paused {
                    is_paused: false,
                    until: None,
                },
                "ADVISORY.CONSUMER.PAUSE",
                "advisory.v1.consumer_pause",
                r#""paused":false,"pause_until":"0001-01-01T00:00:00Z""#,
            ),
        ] {
            let advisory = Advisory {
                consumer: "C".to_owned(),
                event,
            };
            assert_eq!(advisory.subject("S"), format!("$JS.EVENT.{subject}.S.C"));
            let expected = format!(
                r#"{{"type":"io.nats.jetstream.{kind}","id":"ID","timestamp":"1970-01-01T00:00:00Z","stream":"S","consumer":"C",{more}}}"#
            );
            assert_eq!(String::from_utf8(advisory.json(context)).unwrap(), expected);
        }
    }
}
