//! `vagus kv ls <bucket>`, `history` and `watch`.

use super::values::bucket_and_key;
use super::{operation, stream_of, subject_of};
use crate::commands::arguments::{self, Argument};
use crate::commands::error::ToolError;
use crate::commands::stream;
use crate::commands::stream::api::Api;
use crate::commands::stream::pulling::{Pull, Pulled};
use crate::commands::top::tame;
use crate::flags::syntax::Parsed;
use serde_json::{Value, json};
use std::io::Write;

/// All keys of a bucket.
const ALL: &str = ">";

pub(super) async fn list(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let [bucket] = &parsed.rest[..] else {
        return Err(stream::usage("name one bucket"));
    };
    let settings = json!({
        "deliver_policy": "last_per_subject",
        "headers_only": true,
        "filter_subject": subject_of(bucket, ALL, true)?,
    });
    let mut pull = Pull::through(api, &stream_of(bucket)?, settings).await?;
    let mut keys = Vec::new();
    while let Some(pulled) = pull.next(api, u64::MAX, None).await? {
        if operation(&pulled.message) == "PUT" {
            keys.push(key(bucket, &pulled).to_owned());
        }
    }
    pull.end(api).await?;
    keys.sort_unstable();
    if parsed.is_true(Argument::Json) {
        return stream::json(out, &keys);
    }
    for key in keys {
        writeln!(out, "{}", tame(&key))?;
    }
    Ok(())
}

pub(super) async fn history(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let (bucket, wanted) = bucket_and_key(parsed)?;
    let settings = json!({ "deliver_policy": "all", "filter_subject": subject_of(bucket, wanted, false)? });
    let mut pull = Pull::through(api, &stream_of(bucket)?, settings).await?;
    while let Some(pulled) = pull.next(api, u64::MAX, None).await? {
        show(bucket, &pulled, parsed.is_true(Argument::Json), out)?;
    }
    pull.end(api).await
}

pub(super) async fn watch(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let (bucket, keys) = match &parsed.rest[..] {
        [bucket] => (bucket, ALL),
        [bucket, keys] => (bucket, &**keys),
        _ => return Err(stream::usage("name a bucket, and keys if not all are wanted")),
    };
    let count = arguments::count(parsed, Argument::Count, "count", 0)?;
    let settings = json!({
        "deliver_policy": "last_per_subject",
        "filter_subject": subject_of(bucket, keys, true)?,
    });
    let mut pull = Pull::through(api, &stream_of(bucket)?, settings).await?;
    let mut shown = 0;
    while count == 0 || shown < count {
        let pulled = pull.wait(api).await?;
        show(bucket, &pulled, parsed.is_true(Argument::Json), out)?;
        out.flush()?;
        shown += 1;
    }
    Ok(())
}

fn key<'p>(bucket: &str, pulled: &'p Pulled) -> &'p str {
    let subject = &*pulled.message.subject;
    let key = subject
        .strip_prefix("$KV.")
        .and_then(|rest| rest.strip_prefix(bucket));
    key.and_then(|key| key.strip_prefix('.')).unwrap_or(subject)
}

/// One value in a line.
fn show(bucket: &str, pulled: &Pulled, is_json: bool, out: &mut impl Write) -> Result<(), ToolError> {
    let operation = operation(&pulled.message);
    let (key, value) = (
        key(bucket, pulled),
        String::from_utf8_lossy(&pulled.message.payload),
    );
    if is_json {
        let shown: Value =
            json!({ "key": key, "revision": pulled.sequence, "operation": operation, "value": value });
        return Ok(writeln!(out, "{shown}")?);
    }
    let told = match operation {
        "PUT" => format!("{} = {}", tame(key), tame(&value)),
        _ => format!("{} {}", tame(key), tame(operation)),
    };
    Ok(writeln!(out, "[{}] {told}", pulled.sequence)?)
}
