//! `vagus stream purge` and `rm`.

use super::answers::StreamInfo;
use super::api::{Api, read};
use super::{question, stream_name, usage};
use crate::commands::arguments::{self, Argument, flag};
use crate::commands::error::ToolError;
use crate::flags::syntax::{Flag, Kind, Parsed};
use serde_json::{Value, json};
use std::io::Write;

const FORCE: Flag<Argument> = flag(Argument::Force, &["f", "force"], Kind::Bool);

pub(super) const REMOVE: &[Flag<Argument>] = &[FORCE];

pub(super) const PURGE: &[Flag<Argument>] = &[
    FORCE,
    flag(Argument::Subject, &["subject"], Kind::Text),
    flag(Argument::Keep, &["keep"], Kind::Integer),
    flag(Argument::Sequence, &["seq"], Kind::Integer),
];

pub(super) async fn remove(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let name = stream_name(parsed)?;
    let is_forced = parsed.is_true(Argument::Force);
    let messages = messages_of(api, name).await?;
    question::ask(
        &format!("Delete the stream {name} with all of its {messages} messages?"),
        is_forced,
    )?;
    let answer = api.ask(&format!("STREAM.DELETE.{name}"), &Value::Null).await?;
    super::told(parsed, &answer, out, &format!("Deleted {name}"))
}

pub(super) async fn purge(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let name = stream_name(parsed)?;
    let request = purge_request(parsed)?;
    let messages = messages_of(api, name).await?;
    let which = match &request {
        Value::Null => format!("all {messages} messages"),
        _ => format!("these of the {messages} messages"),
    };
    question::ask(
        &format!("Remove {which} from the stream {name}?"),
        parsed.is_true(Argument::Force),
    )?;
    let answer = api.ask(&format!("STREAM.PURGE.{name}"), &request).await?;
    let purged = answer.get("purged").and_then(Value::as_u64).unwrap_or(0);
    super::told(
        parsed,
        &answer,
        out,
        &format!("Removed {purged} messages from {name}"),
    )
}

/// Which messages are to go; null: all.
fn purge_request(parsed: &Parsed<Argument>) -> Result<Value, ToolError> {
    let keep = arguments::count(parsed, Argument::Keep, "keep", 0)?;
    let sequence = arguments::count(parsed, Argument::Sequence, "seq", 0)?;
    if keep > 0 && sequence > 0 {
        return Err(usage("--keep and --seq do not go together"));
    }
    let fields = [
        parsed
            .text(Argument::Subject)
            .map(|subject| ("filter", json!(subject))),
        (keep > 0).then(|| ("keep", json!(keep))),
        (sequence > 0).then(|| ("seq", json!(sequence))),
    ];
    let fields = fields
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.to_owned(), value));
    let fields: serde_json::Map<String, Value> = fields.collect();
    Ok(match fields.is_empty() {
        true => Value::Null,
        false => Value::Object(fields),
    })
}

/// How many there are, to be named in the question.
async fn messages_of(api: &mut Api, name: &str) -> Result<u64, ToolError> {
    let stream: StreamInfo = read(api.ask(&format!("STREAM.INFO.{name}"), &Value::Null).await?)?;
    Ok(stream.state.messages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::syntax;

    #[test]
    fn which_messages_go() {
        let request = |line: &str| {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            purge_request(&syntax::parse(PURGE, &args).unwrap())
        };
        for (line, expected) in [
            ("", Value::Null),
            ("--subject a.>", json!({"filter": "a.>"})),
            ("--keep 5 --subject a", json!({"filter": "a", "keep": 5})),
            ("--seq 7", json!({"seq": 7})),
        ] {
            assert_eq!(request(line).unwrap(), expected, "{line}");
        }
        for line in ["--seq 7 --keep 1", "--keep -1"] {
            assert!(request(line).is_err(), "{line}");
        }
    }
}
