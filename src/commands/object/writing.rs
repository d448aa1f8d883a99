//! `vagus object add`, `del`, `put` and `rm`.

use super::{ObjectInfo, SETTINGS, digest, find, found, pieces_of, store_and_object, stream_of, subject_of};
use crate::commands::arguments::Argument;
use crate::commands::error::ToolError;
use crate::commands::stream::api::Api;
use crate::commands::stream::{self, question, settings};
use crate::flags::syntax::Parsed;
use async_nats::HeaderMap;
use bytes::Bytes;
use jiff::Timestamp;
use openssl::sha::Sha256;
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{self, Read, Write};
use std::iter::repeat_with;
use std::path::Path;

/// How large the pieces are of which an object is made, in bytes, as all clients have them.
const PIECE: usize = 128 * 1024;

/// How long what pieces are stored under is.
const NUID: usize = 22;

pub(super) async fn add(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let store = store(parsed)?;
    let name = stream_of(store)?;
    let mut config = Map::from_iter([
        ("name".to_owned(), json!(name)),
        (
            "subjects".to_owned(),
            json!([format!("$O.{store}.C.>"), format!("$O.{store}.M.>")]),
        ),
        ("discard".to_owned(), json!("new")),
        ("allow_rollup_hdrs".to_owned(), json!(true)),
        ("allow_direct".to_owned(), json!(true)),
    ]);
    settings::lay_over(SETTINGS, &mut config, parsed)?;
    let what = format!("STREAM.CREATE.{name}");
    let answer = api.ask(&what, &Value::Object(config)).await?;
    stream::told(parsed, &answer, out, &format!("Made the store {store}"))
}

pub(super) async fn delete(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let store = store(parsed)?;
    let name = stream_of(store)?;
    let question = format!("Delete the store {store} with all of its objects?");
    question::ask(&question, parsed.is_true(Argument::Force))?;
    let answer = api.ask(&format!("STREAM.DELETE.{name}"), &Value::Null).await?;
    stream::told(parsed, &answer, out, &format!("Deleted {store}"))
}

fn store(parsed: &Parsed<Argument>) -> Result<&str, ToolError> {
    match &parsed.rest[..] {
        [store] => Ok(store),
        _ => Err(stream::usage("name one store")),
    }
}

pub(super) async fn put(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let [store, path] = &parsed.rest[..] else {
        return Err(stream::usage("name a store and a file"));
    };
    stream_of(store)?;
    let of_file = Path::new(path).file_name().and_then(|name| name.to_str());
    let name = match (parsed.text(Argument::Name), &**path) {
        (Some(name), _) => name,
        (None, "-") => return Err(stream::usage("what comes from standard input needs a --name")),
        (None, path) => of_file.unwrap_or(path),
    };
    let input: Box<dyn Read> = match &**path {
        "-" => Box::new(io::stdin().lock()),
        path => Box::new(File::open(path).map_err(ToolError::Input)?),
    };
    let before = find(api, store, name).await?;
    let mut object = ObjectInfo {
        name: name.to_owned(),
        description: parsed
            .text(Argument::Setting("description"))
            .unwrap_or_default()
            .to_owned(),
        bucket: store.clone(),
        nuid: repeat_with(fastrand::alphanumeric).take(NUID).collect(),
        mtime: Timestamp::now().to_string(),
        ..ObjectInfo::default()
    };
    // Nobody finds pieces before the object is told of: of one that fails none are to stay.
    if let Err(error) = put_pieces(api, store, &mut object, input).await {
        let _ = purge(api, store, &object.nuid).await;
        return Err(error);
    }
    tell(api, store, &object).await?;
    if let Some(before) = before {
        purge(api, store, &before.nuid).await?;
    }
    stream::told(
        parsed,
        &json!(object),
        out,
        &format!("Put {name}, {} bytes", object.size),
    )
}

async fn put_pieces(
    api: &mut Api,
    store: &str,
    object: &mut ObjectInfo,
    mut input: impl Read,
) -> Result<(), ToolError> {
    let subject = pieces_of(store, &object.nuid);
    let mut sum = Sha256::new();
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        let read = input.by_ref().take(PIECE as u64).read_to_end(&mut piece);
        if read.map_err(ToolError::Input)? == 0 {
            break;
        }
        sum.update(&piece);
        object.size += piece.len() as u64;
        object.chunks += 1;
        api.store(&subject, HeaderMap::new(), piece.into()).await?;
    }
    object.digest = digest(sum.finish());
    Ok(())
}

/// Says what an object now is, in place of what it was.
async fn tell(api: &mut Api, store: &str, object: &ObjectInfo) -> Result<(), ToolError> {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Rollup", "sub");
    let known = Bytes::from(json!(object).to_string());
    api.store(&subject_of(store, &object.name), headers, known)
        .await
        .map(drop)
}

async fn purge(api: &mut Api, store: &str, nuid: &str) -> Result<(), ToolError> {
    let what = format!("STREAM.PURGE.{}", stream_of(store)?);
    api.ask(&what, &json!({ "filter": pieces_of(store, nuid) }))
        .await
        .map(drop)
}

pub(super) async fn remove(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let (store, name) = store_and_object(parsed)?;
    let object = found(api, store, name).await?;
    let question = format!("Delete {name} of {store}?");
    question::ask(&question, parsed.is_true(Argument::Force))?;
    let gone = ObjectInfo {
        size: 0,
        chunks: 0,
        digest: String::new(),
        deleted: true,
        mtime: Timestamp::now().to_string(),
        nuid: object.nuid.clone(),
        ..object
    };
    tell(api, store, &gone).await?;
    purge(api, store, &gone.nuid).await?;
    stream::told(parsed, &gone, out, &format!("Deleted {name}"))
}
