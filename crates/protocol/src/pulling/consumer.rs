//! A consumer that is pulled from, as its stream is asked for it.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// That there is no such consumer: `JSConsumerNotFoundErr`.
const NOT_FOUND: u64 = 10014;

/// How many messages may be delivered and not acknowledged.
const UNACKNOWLEDGED_AT_MOST: u32 = 65_536;

#[derive(Serialize)]
struct Creation<'a> {
    stream_name: &'a str,
    config: Config<'a>,
}

#[derive(Serialize)]
struct Config<'a> {
    durable_name: &'a str,
    deliver_policy: &'static str,
    ack_policy: &'static str,
    replay_policy: &'static str,
    ack_wait: u64,
    max_ack_pending: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_subject: Option<&'a str>,
}

/// What makes a durable consumer of all that a stream keeps of a subject; each message has to be acknowledged in that time.
pub fn creation(stream: &str, durable: &str, subject: &str, acknowledged_within: Duration) -> Vec<u8> {
    let creation = Creation {
        stream_name: stream,
        config: Config {
            durable_name: durable,
            deliver_policy: "all",
            ack_policy: "explicit",
            replay_policy: "instant",
            ack_wait: u64::try_from(acknowledged_within.as_nanos()).unwrap_or(u64::MAX),
            max_ack_pending: UNACKNOWLEDGED_AT_MOST,
            filter_subject: (subject != ">").then_some(subject),
        },
    };
    // Text and numbers into memory: there is nothing in it that can fail.
    serde_json::to_vec(&creation).unwrap_or_default()
}

/// What is answered on a question about a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// What it is.
    Consumer {
        /// How many messages are delivered and not acknowledged.
        unacknowledged: u64,
    },
    /// There is none of that name.
    NotFound,
    /// It cannot be told, or done, for this reason.
    Refused(String),
}

#[derive(Deserialize)]
struct Said {
    error: Option<Refusal>,
    #[serde(default)]
    num_ack_pending: u64,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    err_code: u64,
    #[serde(default)]
    description: String,
}

impl Answer {
    /// Reads one. None: nothing of JetStream answers so.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let said: Said = serde_json::from_slice(payload).ok()?;
        Some(match said.error {
            None => Self::Consumer {
                unacknowledged: said.num_ack_pending,
            },
            Some(error) if error.err_code == NOT_FOUND => Self::NotFound,
            Some(error) => Self::Refused(error.description),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, creation};
    use std::time::Duration;

    #[test]
    fn a_consumer_is_made_of_what_is_wanted() {
        for (subject, filter) in [(">", ""), ("a.*", r#","filter_subject":"a.*""#)] {
            let made = creation("S", "D", subject, Duration::from_secs(1));
            let expected = format!(
                concat!(
                    r#"{{"stream_name":"S","config":{{"durable_name":"D","deliver_policy":"all","ack_policy":"explicit","#,
                    r#""replay_policy":"instant","ack_wait":1000000000,"max_ack_pending":65536{}}}}}"#
                ),
                filter
            );
            assert_eq!(String::from_utf8(made).unwrap(), expected);
        }
    }

    #[test]
    fn answers_are_read() {
        let read = |text: &str| Answer::read(text.as_bytes());
        assert_eq!(
            read(
                r#"{"type":"io.nats.jetstream.api.v1.consumer_info_response","name":"D","num_ack_pending":3}"#
            ),
            Some(Answer::Consumer { unacknowledged: 3 })
        );
        let refused =
            |code: u64| format!(r#"{{"error":{{"code":404,"err_code":{code},"description":"not found"}}}}"#);
        assert_eq!(read(&refused(10014)), Some(Answer::NotFound));
        assert_eq!(
            read(&refused(10059)),
            Some(Answer::Refused("not found".to_owned()))
        );
        assert_eq!(read("nonsense"), None);
    }
}
