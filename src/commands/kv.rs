//! `vagus kv`: buckets of keys and values, which are streams of a kind.

mod buckets;
mod keys;
mod values;

use super::arguments::{self, Argument, flag};
use super::block_on;
use super::error::ToolError;
use super::stream::api::Api;
use super::stream::settings::{Form, Setting};
use super::stream::{self, COMMON};
use crate::flags::syntax::{Flag, Kind};
use async_nats::Message;
use std::io::Write;

pub(super) const HELP: &str = "\
Usage: vagus kv ls [options] [<bucket>]                  list buckets, or the keys of one
       vagus kv add [options] <bucket>                   make a bucket
       vagus kv del [options] <bucket>                   delete a bucket, and all its values
       vagus kv put [options] <bucket> <key> <value>     set a key; with - as the value, to standard input
       vagus kv get [options] <bucket> <key>             show the value of a key
       vagus kv rm [options] <bucket> <key>              delete a key
       vagus kv history [options] <bucket> <key>         show what a key has been
       vagus kv watch [options] <bucket> [<keys>]        show values as they change; keys may have wildcards

    add:
        --history <number>       How many values of each key are kept, 64 at most (1)
        --ttl <time>             How long values stay
        --storage <where>        file or memory (file)
        --max-bytes <size>       Bytes at most
        --max-value-size <size>  How large a value may be
        --description <text>     What it is for
        --compression <how>      none or s2
        --metadata <K=V>         A note; may be given several times
    put:
        --create                 Only if the key is not there
        --revision <number>      Only if this is its revision
    get:
        --raw                    The value only
    rm:
        --purge                  And all that it has been
    watch:
    -c, --count <number>         End after so many values
    del, rm:
    -f, --force                  Do not ask
    all:
        --json                   Show what the server answers
        --domain <name>          Ask in this domain
        --timeout <time>         How long an answer may take (5s)
";

/// What can be said of a bucket.
const SETTINGS: &[Setting] = &[
    ("max_msgs_per_subject", &["history"], Form::Number),
    ("max_age", &["ttl"], Form::Time),
    ("storage", &["storage"], Form::Text),
    ("max_bytes", &["max-bytes"], Form::Size),
    ("max_msg_size", &["max-value-size"], Form::Size),
    ("description", &["description"], Form::Text),
    ("compression", &["compression"], Form::Text),
    ("metadata", &["metadata"], Form::Notes),
];

const FORCE: Flag<Argument> = flag(Argument::Force, &["f", "force"], Kind::Bool);

/// Runs one of the commands about buckets.
pub(super) fn run(args: &[String], out: &mut impl Write) -> Result<(), ToolError> {
    let [command, args @ ..] = args else {
        return Err(stream::usage("kv needs a command: vagus kv ls"));
    };
    let mut flags = match &**command {
        "ls" | "list" | "history" => Vec::new(),
        "add" | "create" => stream::settings::flags(SETTINGS).collect(),
        "del" => vec![FORCE],
        "put" => vec![
            flag(Argument::Create, &["create"], Kind::Bool),
            flag(Argument::Revision, &["revision"], Kind::Integer),
        ],
        "get" => vec![flag(Argument::Raw, &["raw"], Kind::Bool)],
        "rm" | "delete" => vec![FORCE, flag(Argument::Purge, &["purge"], Kind::Bool)],
        "watch" => vec![flag(Argument::Count, &["c", "count"], Kind::Integer)],
        other => return Err(stream::usage(&format!("kv knows no command {other:?}"))),
    };
    flags.extend(COMMON);
    let parsed = arguments::read(flags, args)?;
    block_on(async {
        let mut api = Api::connect(&parsed).await?;
        match &**command {
            "ls" | "list" if parsed.rest.is_empty() => buckets::list(&mut api, &parsed, out).await,
            "ls" | "list" => keys::list(&mut api, &parsed, out).await,
            "add" | "create" => buckets::add(&mut api, &parsed, out).await,
            "del" => buckets::delete(&mut api, &parsed, out).await,
            "put" => values::put(&mut api, &parsed, out).await,
            "get" => values::get(&mut api, &parsed, out).await,
            "rm" | "delete" => values::remove(&mut api, &parsed, out).await,
            "history" => keys::history(&mut api, &parsed, out).await,
            _ => keys::watch(&mut api, &parsed, out).await,
        }
    })
}

/// The stream of a bucket.
fn stream_of(bucket: &str) -> Result<String, ToolError> {
    let is_letter = |sign: char| sign.is_ascii_alphanumeric() || "-_".contains(sign);
    match !bucket.is_empty() && bucket.chars().all(is_letter) {
        true => Ok(format!("KV_{bucket}")),
        false => Err(stream::usage(&format!(
            "{bucket:?} cannot be the name of a bucket"
        ))),
    }
}

/// The subject of keys, which may have wildcards where several are meant.
fn subject_of(bucket: &str, keys: &str, has_wildcards: bool) -> Result<String, ToolError> {
    let is_letter = |sign: char| {
        sign.is_ascii_alphanumeric() || "-_=./".contains(sign) || (has_wildcards && "*>".contains(sign))
    };
    let is_key = !keys.is_empty()
        && keys.chars().all(is_letter)
        && !keys.starts_with('.')
        && !keys.ends_with('.')
        && !keys.contains("..");
    match is_key {
        true => Ok(format!("$KV.{bucket}.{keys}")),
        false => Err(stream::usage(&format!("{keys:?} cannot be a key"))),
    }
}

/// What a message of a bucket has done to its key.
fn operation(message: &Message) -> &str {
    let headers = message.headers.as_ref();
    let header = |name: &str| {
        headers
            .and_then(|headers| headers.get(name))
            .map(|value| value.as_str())
    };
    match (header("KV-Operation"), header("Nats-Marker-Reason")) {
        (Some(operation), _) => operation,
        // Its time was up, or somebody removed it.
        (None, Some("Purge")) => "PURGE",
        (None, Some(_)) => "DEL",
        (None, None) => "PUT",
    }
}

#[cfg(test)]
mod tests {
    use super::{stream_of, subject_of};

    #[test]
    fn names_of_buckets_and_keys() {
        assert_eq!(stream_of("a-B_1").unwrap(), "KV_a-B_1");
        for bucket in ["", "a.b", "a b", "ü"] {
            assert!(stream_of(bucket).is_err(), "{bucket}");
        }
        assert_eq!(subject_of("b", "a.b/c=d", false).unwrap(), "$KV.b.a.b/c=d");
        assert_eq!(subject_of("b", "a.*.>", true).unwrap(), "$KV.b.a.*.>");
        for key in ["", ".a", "a.", "a..b", "a b", "*"] {
            assert!(subject_of("b", key, false).is_err(), "{key}");
        }
    }
}
