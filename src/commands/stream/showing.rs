//! `vagus stream info`.

use super::answers::StreamInfo;
use super::api::{Api, read};
use super::progress::Progress;
use super::settings;
use super::stream_name;
use super::table::Table;
use crate::commands::arguments::{Argument, flag};
use crate::commands::error::ToolError;
use crate::commands::top::tame;
use crate::flags::syntax::{Flag, Kind, Parsed};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};
use vagus_protocol::size::Size;

pub(super) const FLAGS: &[Flag<Argument>] = &[flag(Argument::Subjects, &["subjects"], Kind::Text)];

pub(super) async fn show(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let name = stream_name(parsed)?;
    let what = format!("STREAM.INFO.{name}");
    if let Some(filter) = parsed.text(Argument::Subjects) {
        let subjects = subjects(api, &what, filter).await?;
        if parsed.is_true(Argument::Json) {
            return super::json(out, &subjects);
        }
        let mut table = Table::new(["SUBJECT", ">MESSAGES"]);
        for (subject, messages) in subjects {
            table.row([subject, messages.to_string()]);
        }
        return Ok(table.write(out)?);
    }
    let answer = api.ask(&what, &Value::Null).await?;
    if parsed.is_true(Argument::Json) {
        return super::json(out, &answer);
    }
    Ok(shown(&read(answer)?, Timestamp::now(), out)?)
}

/// How many messages each subject has; a server answers so many at a time.
async fn subjects(api: &mut Api, what: &str, filter: &str) -> Result<BTreeMap<String, u64>, ToolError> {
    let mut all = BTreeMap::new();
    let mut progress = Progress::of("subjects");
    let mut answered = 0;
    loop {
        let request = json!({ "subjects_filter": filter, "offset": answered });
        let StreamInfo { state, total, .. } = read(api.ask(what, &request).await?)?;
        answered += state.subjects.len();
        let is_last = state.subjects.is_empty() || answered >= total;
        all.extend(state.subjects);
        if is_last {
            return Ok(all);
        }
        progress.draw(answered, total);
    }
}

/// All that is known of a stream, its settings first.
pub(super) fn shown(stream: &StreamInfo, now: Timestamp, out: &mut impl Write) -> io::Result<()> {
    let mut line = |title: &str, text: &str| writeln!(out, "  {:<26}{}", format!("{title}:"), tame(text));
    line("Stream", stream.text("name"))?;
    line("Created", &at(&stream.created, now))?;
    for (key, value) in stream.config.iter().filter(|(key, _)| *key != "name") {
        if let Some(text) = settings::shown(settings::OF_STREAMS, key, value) {
            line(key, &text)?;
        }
    }
    let state = &stream.state;
    line("Messages", &state.messages.to_string())?;
    line("Size", &Size(state.bytes).to_string())?;
    line(
        "First",
        &format!("{}, {}", state.first_seq, at(&state.first_ts, now)),
    )?;
    line(
        "Last",
        &format!("{}, {}", state.last_seq, at(&state.last_ts, now)),
    )?;
    line("Subjects", &state.num_subjects.to_string())?;
    line("Deleted", &state.num_deleted.to_string())?;
    line("Consumers", &state.consumer_count.to_string())?;
    if let Some(lost) = &state.lost {
        line("Lost", &lost.msgs.len().to_string())?;
    }
    Ok(())
}

/// A moment, and how long ago it is.
fn at(time: &str, now: Timestamp) -> String {
    match since(time, now).as_str() {
        "never" => "never".to_owned(),
        ago => format!("{time} ({ago})"),
    }
}

/// How long ago it is, in its two largest units.
pub(super) fn since(time: &str, now: Timestamp) -> String {
    const UNITS: [(i64, char); 4] = [(86_400, 'd'), (3600, 'h'), (60, 'm'), (1, 's')];
    // Go's beginning of time is that it has not been.
    let never = Timestamp::UNIX_EPOCH - 100.hours();
    let Some(time) = time.parse::<Timestamp>().ok().filter(|time| *time > never) else {
        return "never".to_owned();
    };
    let mut seconds = now.duration_since(time).as_secs().max(0);
    let mut shown = String::new();
    let from = UNITS
        .iter()
        .position(|(unit, _)| seconds >= *unit)
        .unwrap_or(UNITS.len() - 1);
    for (unit, sign) in UNITS.into_iter().skip(from).take(2) {
        shown += &format!("{}{sign}", seconds / unit);
        seconds %= unit;
    }
    shown + " ago"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-07-15T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn how_long_ago() {
        for (time, expected) in [
            ("2026-07-15T12:00:00.5Z", "0s ago"),
            ("2026-07-15T11:59:55Z", "5s ago"),
            ("2026-07-15T11:50:55Z", "9m5s ago"),
            ("2026-07-15T10:00:01Z", "1h59m ago"),
            ("2026-06-14T12:00:00+02:00", "31d2h ago"),
            ("0001-01-01T00:00:00Z", "never"),
            ("", "never"),
        ] {
            assert_eq!(since(time, now()), expected, "{time}");
        }
    }

    #[test]
    fn all_that_is_known_of_a_stream() {
        let stream: StreamInfo = serde_json::from_value(json!({
            "config": {
                "name": "ORDERS", "subjects": ["orders.>", "more"], "max_age": 3_600_000_000_000_i64, "max_msgs": -1,
                "max_bytes": 1_048_576, "sealed": false, "metadata": {"owner": "me"}, "description": "\u{1b}[2J",
            },
            "created": "2026-07-15T11:00:00Z",
            "state": {"messages": 2, "bytes": 100, "first_seq": 3, "first_ts": "2026-07-15T11:00:00Z", "last_seq": 5,
                      "last_ts": "0001-01-01T00:00:00Z", "subjects": null},
        }))
        .unwrap();
        let mut out = Vec::new();
        shown(&stream, now(), &mut out).unwrap();
        let expected = "  \
  Stream:                   ORDERS
  Created:                  2026-07-15T11:00:00Z (1h0m ago)
  description:              ?[2J
  max_age:                  1h0m0s
  max_bytes:                1.00 MB
  max_msgs:                 unlimited
  metadata:                 owner=me
  subjects:                 orders.>, more
  Messages:                 2
  Size:                     100 B
  First:                    3, 2026-07-15T11:00:00Z (1h0m ago)
  Last:                     5, never
  Subjects:                 0
  Deleted:                  0
  Consumers:                0
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
