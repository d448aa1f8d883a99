//! `vagus consumer info`.

use super::{SETTINGS, names};
use crate::commands::arguments::Argument;
use crate::commands::error::ToolError;
use crate::commands::stream::api::{Api, read};
use crate::commands::stream::{self, settings};
use crate::commands::top::tame;
use crate::flags::syntax::Parsed;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::io::{self, Write};
use std::time::Duration;
use vagus_protocol::duration;

/// A consumer, as far as it is shown. What a server leaves out is empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ConsumerInfo {
    pub(super) name: String,
    stream_name: String,
    created: String,
    config: Map<String, Value>,
    delivered: Position,
    pub(super) ack_floor: Position,
    pub(super) num_pending: u64,
    pub(super) num_ack_pending: u64,
    pub(super) num_redelivered: u64,
    pub(super) num_waiting: u64,
    push_bound: bool,
    paused: bool,
    pause_remaining: u64,
}

/// Which delivery, and which message of the stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Position {
    consumer_seq: u64,
    pub(super) stream_seq: u64,
}

impl ConsumerInfo {
    /// A setting that is text.
    pub(super) fn text(&self, key: &str) -> &str {
        self.config.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// How messages get to who has it.
    pub(super) fn mode(&self) -> &'static str {
        match (self.paused, self.text("deliver_subject").is_empty()) {
            (true, _) => "paused",
            (false, true) => "pull",
            (false, false) => "push",
        }
    }
}

pub(super) async fn show(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let (of, name) = names(parsed)?;
    let answer = api
        .ask(&format!("CONSUMER.INFO.{of}.{name}"), &Value::Null)
        .await?;
    if parsed.is_true(Argument::Json) {
        return stream::json(out, &answer);
    }
    Ok(shown(&read(answer)?, out)?)
}

/// All that is known of a consumer, its settings first.
pub(super) fn shown(consumer: &ConsumerInfo, out: &mut impl Write) -> io::Result<()> {
    let mut line = |title: &str, text: &str| writeln!(out, "  {:<26}{}", format!("{title}:"), tame(text));
    line("Consumer", &consumer.name)?;
    line("Stream", &consumer.stream_name)?;
    line("Created", &consumer.created)?;
    let settings = consumer.config.iter().filter(|(key, _)| *key != "name");
    for (key, value) in settings {
        if let Some(text) = settings::shown(SETTINGS, key, value) {
            line(key, &text)?;
        }
    }
    let position = |at: &Position| format!("delivery {}, message {}", at.consumer_seq, at.stream_seq);
    line("Delivered", &position(&consumer.delivered))?;
    line("Acknowledged up to", &position(&consumer.ack_floor))?;
    line("To come", &consumer.num_pending.to_string())?;
    line("Unacknowledged", &consumer.num_ack_pending.to_string())?;
    line("Redelivered", &consumer.num_redelivered.to_string())?;
    match consumer.text("deliver_subject").is_empty() {
        true => line("Requests that wait", &consumer.num_waiting.to_string())?,
        false => line("Somebody listens", if consumer.push_bound { "yes" } else { "no" })?,
    }
    if consumer.paused {
        let left = Duration::from_nanos(consumer.pause_remaining);
        line(
            "Paused for",
            &duration::shown(Duration::from_secs(left.as_secs())),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_known_of_a_consumer() {
        let consumer: ConsumerInfo = serde_json::from_value(json!({
            "name": "C", "stream_name": "S", "created": "2026-07-15T12:00:00Z",
            "config": {"name": "C", "ack_policy": "explicit", "ack_wait": 30_000_000_000_u64, "max_deliver": -1},
            "delivered": {"consumer_seq": 2, "stream_seq": 5},
            "ack_floor": {"consumer_seq": 1, "stream_seq": 4},
            "num_pending": 7, "num_ack_pending": 1, "num_waiting": 3,
            "paused": true, "pause_remaining": 61_500_000_000_u64,
        }))
        .unwrap();
        let mut out = Vec::new();
        shown(&consumer, &mut out).unwrap();
        let expected = "  Consumer:                 C
  Stream:                   S
  Created:                  2026-07-15T12:00:00Z
  ack_policy:               explicit
  ack_wait:                 30s
  max_deliver:              unlimited
  Delivered:                delivery 2, message 5
  Acknowledged up to:       delivery 1, message 4
  To come:                  7
  Unacknowledged:           1
  Redelivered:              0
  Requests that wait:       3
  Paused for:               1m1s
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
