//! `vagus kv put`, `get` and `rm`.

use super::{stream_of, subject_of};
use crate::commands::arguments::{self, Argument};
use crate::commands::error::ToolError;
use crate::commands::publish::read_payload;
use crate::commands::stream::answers::{Stored, header, unpacked};
use crate::commands::stream::api::{Api, read};
use crate::commands::stream::{self, StreamError, question};
use crate::commands::top::tame;
use crate::flags::syntax::Parsed;
use async_nats::HeaderMap;
use bytes::Bytes;
use serde_json::json;
use std::io::Write;

pub(super) async fn put(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let [bucket, key, value] = &parsed.rest[..] else {
        return Err(stream::usage(
            "put needs a bucket, a key and a value: vagus kv put <bucket> <key> <value>",
        ));
    };
    stream_of(bucket)?;
    let subject = subject_of(bucket, key, false)?;
    let revision = arguments::count(parsed, Argument::Revision, "revision", 0)?;
    let mut headers = HeaderMap::new();
    if parsed.is_true(Argument::Create) || revision > 0 {
        headers.insert(
            "Nats-Expected-Last-Subject-Sequence",
            revision.to_string().as_str(),
        );
    }
    let answer = api.store(&subject, headers, read_payload(value)?).await?;
    let revision = &answer["seq"];
    stream::told(parsed, &answer, out, &format!("{key} is at revision {revision}"))
}

pub(super) async fn get(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let (bucket, key) = bucket_and_key(parsed)?;
    let request = json!({ "last_by_subj": subject_of(bucket, key, false)? });
    let what = format!("STREAM.MSG.GET.{}", stream_of(bucket)?);
    let answer = api.ask(&what, &request).await?;
    if parsed.is_true(Argument::Json) {
        return stream::json(out, &answer);
    }
    let stored: Stored = read(answer.get("message").cloned().unwrap_or_default())?;
    if header(&stored, "KV-Operation").is_some() || header(&stored, "Nats-Marker-Reason").is_some() {
        let gone = format!("{key} was deleted at revision {}", stored.seq);
        return Err(StreamError::Absent(gone).into());
    }
    let value = unpacked(&stored.data)?;
    if !parsed.is_true(Argument::Raw) {
        writeln!(
            out,
            "{key} is at revision {} since {}",
            stored.seq,
            tame(&stored.time)
        )?;
        writeln!(out)?;
    }
    out.write_all(&value)?;
    Ok(out.write_all(b"\n")?)
}

pub(super) async fn remove(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let (bucket, key) = bucket_and_key(parsed)?;
    stream_of(bucket)?;
    let subject = subject_of(bucket, key, false)?;
    let is_purge = parsed.is_true(Argument::Purge);
    let also = if is_purge {
        ", and all that it has been"
    } else {
        ""
    };
    question::ask(
        &format!("Delete {key} of {bucket}{also}?"),
        parsed.is_true(Argument::Force),
    )?;
    let mut headers = HeaderMap::new();
    headers.insert("KV-Operation", if is_purge { "PURGE" } else { "DEL" });
    if is_purge {
        headers.insert("Nats-Rollup", "sub");
    }
    let answer = api.store(&subject, headers, Bytes::new()).await?;
    stream::told(parsed, &answer, out, &format!("Deleted {key}"))
}

/// The bucket and the key that are named.
pub(super) fn bucket_and_key(parsed: &Parsed<Argument>) -> Result<(&str, &str), ToolError> {
    match &parsed.rest[..] {
        [bucket, key] => Ok((bucket, key)),
        _ => Err(stream::usage("name a bucket and a key")),
    }
}
