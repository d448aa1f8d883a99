//! `vagus kv ls`, `add` and `del`.

use super::{SETTINGS, stream_of};
use crate::commands::arguments::Argument;
use crate::commands::error::ToolError;
use crate::commands::stream::answers::StreamInfo;
use crate::commands::stream::api::{Api, read};
use crate::commands::stream::table::Table;
use crate::commands::stream::{self, question, settings};
use crate::flags::syntax::Parsed;
use serde_json::{Map, Value, json};
use std::io::Write;
use vagus_protocol::size::Size;

pub(super) async fn list(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let request = json!({ "subject": "$KV.>" });
    let found = api.ask_for_all("STREAM.LIST", request, "streams").await?;
    if parsed.is_true(Argument::Json) {
        return stream::json(out, &found);
    }
    let mut table = Table::new(["BUCKET", "DESCRIPTION", "STORAGE", ">HISTORY", ">VALUES", ">SIZE"]);
    for found in found {
        let found: StreamInfo = read(found)?;
        let Some(bucket) = found.text("name").strip_prefix("KV_") else {
            continue;
        };
        let history = found.config.get("max_msgs_per_subject").and_then(Value::as_i64);
        table.row([
            bucket.to_owned(),
            found.text("description").to_owned(),
            found.text("storage").to_owned(),
            history.unwrap_or(1).to_string(),
            found.state.messages.to_string(),
            Size(found.state.bytes).to_string(),
        ]);
    }
    Ok(table.write(out)?)
}

pub(super) async fn add(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let bucket = bucket(parsed)?;
    let name = stream_of(bucket)?;
    let answer = api
        .ask(
            &format!("STREAM.CREATE.{name}"),
            &Value::Object(config(bucket, parsed)?),
        )
        .await?;
    stream::told(parsed, &answer, out, &format!("Made the bucket {bucket}"))
}

/// As all clients make buckets.
fn config(bucket: &str, parsed: &Parsed<Argument>) -> Result<Map<String, Value>, ToolError> {
    let mut config = Map::from_iter([
        ("name".to_owned(), json!(stream_of(bucket)?)),
        ("subjects".to_owned(), json!([format!("$KV.{bucket}.>")])),
        ("max_msgs_per_subject".to_owned(), json!(1)),
        ("discard".to_owned(), json!("new")),
        ("deny_delete".to_owned(), json!(true)),
        ("allow_rollup_hdrs".to_owned(), json!(true)),
        ("allow_direct".to_owned(), json!(true)),
    ]);
    settings::lay_over(SETTINGS, &mut config, parsed)?;
    Ok(config)
}

pub(super) async fn delete(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let bucket = bucket(parsed)?;
    let name = stream_of(bucket)?;
    let question = format!("Delete the bucket {bucket} with all of its values?");
    question::ask(&question, parsed.is_true(Argument::Force))?;
    let answer = api.ask(&format!("STREAM.DELETE.{name}"), &Value::Null).await?;
    stream::told(parsed, &answer, out, &format!("Deleted {bucket}"))
}

fn bucket(parsed: &Parsed<Argument>) -> Result<&str, ToolError> {
    match &parsed.rest[..] {
        [bucket] => Ok(bucket),
        _ => Err(stream::usage("name one bucket")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::syntax;

    #[test]
    fn buckets_are_streams_of_a_kind() {
        let flags: Vec<_> = settings::flags(SETTINGS).collect();
        let args: Vec<String> = "--history 5 --ttl 1m".split(' ').map(str::to_owned).collect();
        let config = config("b", &syntax::parse(&flags, &args).unwrap()).unwrap();
        assert_eq!(
            Value::Object(config),
            json!({"name": "KV_b", "subjects": ["$KV.b.>"], "max_msgs_per_subject": 5, "discard": "new",
                "deny_delete": true, "allow_rollup_hdrs": true, "allow_direct": true, "max_age": 60_000_000_000_i64})
        );
    }
}
