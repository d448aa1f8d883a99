//! `vagus object`: object stores, which are streams of a kind: files in pieces.

mod listing;
mod reading;
mod writing;

use super::arguments::{self, Argument, flag};
use super::block_on;
use super::error::ToolError;
use super::stream::answers::Stored;
use super::stream::api::{Api, read};
use super::stream::settings::{Form, Setting};
use super::stream::{self, COMMON, StreamError};
use crate::flags::syntax::{Flag, Kind, Parsed};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::io::Write;

pub(super) const HELP: &str = "\
Usage: vagus object ls [options] [<store>]              list stores, or the objects of one
       vagus object add [options] <store>               make a store
       vagus object del [options] <store>               delete a store, and all its objects
       vagus object put [options] <store> <file>        put a file there; - for standard input, with --name
       vagus object get [options] <store> <object>      write an object to a file of its name, or --output
       vagus object rm [options] <store> <object>       delete an object
       vagus object watch [options] <store>             show objects as they change

    add:
        --ttl <time>             How long objects stay
        --storage <where>        file or memory (file)
        --max-bytes <size>       Bytes at most
        --description <text>     What it is for
        --compression <how>      none or s2
        --metadata <K=V>         A note; may be given several times
    put:
        --name <name>            Call it so
        --description <text>     What it is
    get:
    -O, --output <file>          Write there; - for standard output
    -f, --force                  get: over a file that is there; del, rm: do not ask
    watch:
    -c, --count <number>         End after so many changes
    all:
        --json                   Show what the server answers
        --domain <name>          Ask in this domain
        --timeout <time>         How long an answer may take (5s)
";

/// What can be said of a store.
const SETTINGS: &[Setting] = &[
    ("max_age", &["ttl"], Form::Time),
    ("storage", &["storage"], Form::Text),
    ("max_bytes", &["max-bytes"], Form::Size),
    ("description", &["description"], Form::Text),
    ("compression", &["compression"], Form::Text),
    ("metadata", &["metadata"], Form::Notes),
];

const FORCE: Flag<Argument> = flag(Argument::Force, &["f", "force"], Kind::Bool);

/// What is known of an object, as all clients write it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct ObjectInfo {
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    bucket: String,
    /// What its pieces are stored under.
    nuid: String,
    size: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    mtime: String,
    chunks: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    digest: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
}

/// Runs one of the commands about object stores.
pub(super) fn run(args: &[String], out: &mut impl Write) -> Result<(), ToolError> {
    let [command, args @ ..] = args else {
        return Err(stream::usage("object needs a command: vagus object ls"));
    };
    let mut flags = match &**command {
        "ls" | "list" => Vec::new(),
        "add" | "create" => stream::settings::flags(SETTINGS).collect(),
        "del" | "rm" | "delete" => vec![FORCE],
        "put" => vec![
            flag(Argument::Name, &["name"], Kind::Text),
            flag(Argument::Setting("description"), &["description"], Kind::Text),
        ],
        "get" => vec![flag(Argument::Output, &["O", "output"], Kind::Text), FORCE],
        "watch" => vec![flag(Argument::Count, &["c", "count"], Kind::Integer)],
        other => return Err(stream::usage(&format!("object knows no command {other:?}"))),
    };
    flags.extend(COMMON);
    let parsed = arguments::read(flags, args)?;
    block_on(async {
        let mut api = Api::connect(&parsed).await?;
        match &**command {
            "ls" | "list" if parsed.rest.is_empty() => listing::stores(&mut api, &parsed, out).await,
            "ls" | "list" => listing::objects(&mut api, &parsed, out).await,
            "watch" => listing::watch(&mut api, &parsed, out).await,
            "add" | "create" => writing::add(&mut api, &parsed, out).await,
            "del" => writing::delete(&mut api, &parsed, out).await,
            "put" => writing::put(&mut api, &parsed, out).await,
            "get" => reading::get(&mut api, &parsed, out).await,
            _ => writing::remove(&mut api, &parsed, out).await,
        }
    })
}

/// The store and the object that are named.
fn store_and_object(parsed: &Parsed<Argument>) -> Result<(&str, &str), ToolError> {
    match &parsed.rest[..] {
        [store, object] => Ok((store, object)),
        _ => Err(stream::usage("name a store and an object")),
    }
}

/// The stream of a store.
fn stream_of(store: &str) -> Result<String, ToolError> {
    let is_letter = |sign: char| sign.is_ascii_alphanumeric() || "-_".contains(sign);
    match !store.is_empty() && store.chars().all(is_letter) {
        true => Ok(format!("OBJ_{store}")),
        false => Err(stream::usage(&format!("{store:?} cannot be the name of a store"))),
    }
}

/// Under which subject it stands what an object is.
fn subject_of(store: &str, object: &str) -> String {
    format!("$O.{store}.M.{}", URL_SAFE.encode(object))
}

fn pieces_of(store: &str, nuid: &str) -> String {
    format!("$O.{store}.C.{nuid}")
}

/// What a store knows of an object; None: there is none, or no more.
async fn find(api: &mut Api, store: &str, object: &str) -> Result<Option<ObjectInfo>, ToolError> {
    let request = json!({ "last_by_subj": subject_of(store, object) });
    let answer = api
        .ask(&format!("STREAM.MSG.GET.{}", stream_of(store)?), &request)
        .await;
    let answer = match answer {
        // There is no such message.
        Err(ToolError::Stream(StreamError::Refused { code: 10037, .. })) => return Ok(None),
        answer => answer?,
    };
    let stored: Stored = read(answer.get("message").cloned().unwrap_or_default())?;
    let known = stream::answers::unpacked(&stored.data)?;
    let known: ObjectInfo = serde_json::from_slice(&known).map_err(StreamError::Unreadable)?;
    Ok((!known.deleted).then_some(known))
}

/// The same, where there has to be one.
async fn found(api: &mut Api, store: &str, object: &str) -> Result<ObjectInfo, ToolError> {
    let found = find(api, store, object).await?;
    found.ok_or_else(|| StreamError::Absent(format!("there is no object {object:?} in {store}")).into())
}

/// How a sum of what is in an object is written.
fn digest(sum: [u8; 32]) -> String {
    format!("SHA-256={}", URL_SAFE.encode(sum))
}
