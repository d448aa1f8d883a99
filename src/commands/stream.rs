//! `vagus stream`: lists, shows, makes, changes, empties and deletes streams, and gets their messages. It asks a server by the
//! API that all clients of JetStream use.

pub(super) mod answers;
pub(super) mod api;
mod emptying;
mod getting;
mod listing;
pub(super) mod making;
mod progress;
pub(super) mod pulling;
pub(super) mod question;
pub(super) mod settings;
mod showing;
pub(super) mod table;

use super::arguments::{self, Argument, flag};
use super::block_on;
use super::error::ToolError;
use crate::flags::syntax::{Flag, Kind, Parsed};
use api::Api;
use std::io::{self, Write};
use thiserror::Error;

pub(super) const HELP: &str = "\
Usage: vagus stream ls [options]                 list streams
       vagus stream report [options]             list them with what they hold, the largest first
       vagus stream info [options] <stream>      show one: its settings and what it holds
       vagus stream add [options] <stream>       make one
       vagus stream edit [options] <stream>      change settings of one
       vagus stream get [options] <stream> [<sequence>]    show one of its messages
       vagus stream purge [options] <stream>     remove messages from one
       vagus stream rm [options] <stream>        delete one, and all its messages

    ls, report:
        --subject <subject>      Only those that take in what this matches
        --names                  ls: names only
        --sort <column>          report: by name, messages, bytes or consumers (bytes)
    info:
        --subjects <filter>      The subjects that match this, with how many messages each has; > for all
    add, edit:
        --config <file>          Settings as JSON, as --json shows them; - for standard input
        --subjects <subjects>    What it takes in, with commas between (add: its name)
        --description <text>     What it is for
        --storage <where>        file or memory (file)
        --retention <policy>     limits, interest or workqueue (limits)
        --discard <which>        What goes when a limit is reached: old or new (old)
        --discard-per-subject    With new, also where one subject has too many
        --max-msgs <number>      Messages at most (no limit: -1; so for all of these)
        --max-bytes <size>       Bytes at most, such as 1GB
        --max-age <time>         How long messages stay, such as 24h or 7d
        --max-msg-size <size>    How large a message may be
        --max-msgs-per-subject <number>  Messages of each subject
        --max-consumers <number> Consumers
        --dupe-window <time>     How long messages with a known id are left out
        --compression <how>      none or s2
        --replicas <number>      On how many servers
        --first-seq <number>     The sequence of its first message
        --metadata <K=V>         A note; may be given several times
        --mirror <stream>        Be a copy of this one
        --source <stream>        Get the messages of this one, too; may be given several times
        --allow-direct, --allow-rollup, --allow-msg-ttl, --allow-msg-counter, --allow-msg-schedules, --allow-atomic,
        --allow-batched, --deny-delete, --deny-purge, --no-ack, --sealed    Switches, off with =false
        --dry-run                edit: show what would change, and change nothing
    get:
        --last-for <subject>     The newest one of this subject
        --next-for <subject>     The first one of this subject from the sequence on
        --raw                    Its payload only
    purge:
        --subject <subject>      Only messages of this
        --keep <number>          All but so many of the newest
        --seq <number>           Only those before this sequence
    purge, rm:
    -f, --force                  Do not ask
    all:
        --json                   Show what the server answers
        --domain <name>          Ask in this domain
        --timeout <time>         How long an answer may take (5s)
";

/// Why a stream is not shown, made or changed.
#[derive(Debug, Error)]
pub(super) enum StreamError {
    #[error("JetStream is not enabled, or not for this account")]
    NotEnabled,
    #[error("{description} ({code})")]
    Refused { description: String, code: u64 },
    #[error("cannot understand the answer: {0}")]
    Unreadable(serde_json::Error),
    #[error("cannot read the settings in {0}: {1}")]
    File(String, io::Error),
    #[error("the settings in {0} are not a JSON object: {1}")]
    Settings(String, serde_json::Error),
    #[error("--force does it without asking, and there is no terminal to ask on")]
    CannotAsk,
    #[error("left as it is")]
    Declined,
    #[error("{0}")]
    Absent(String),
}

/// Runs one of the commands about streams.
pub(super) fn run(args: &[String], out: &mut impl Write) -> Result<(), ToolError> {
    let [command, args @ ..] = args else {
        return Err(usage("stream needs a command: vagus stream ls"));
    };
    let own = match &**command {
        "ls" | "list" => listing::LS,
        "report" => listing::REPORT,
        "info" => showing::FLAGS,
        "add" | "create" => making::ADD,
        "edit" | "update" => making::EDIT,
        "get" => getting::FLAGS,
        "purge" => emptying::PURGE,
        "rm" | "delete" => emptying::REMOVE,
        other => return Err(usage(&format!("stream knows no command {other:?}"))),
    };
    let mut flags = own.to_vec();
    flags.extend(COMMON);
    if matches!(&**command, "add" | "create" | "edit" | "update") {
        flags.extend(settings::flags(settings::OF_STREAMS));
    }
    let parsed = arguments::read(flags, args)?;
    block_on(async {
        let mut api = Api::connect(&parsed).await?;
        match &**command {
            "ls" | "list" => listing::list(&mut api, &parsed, out).await,
            "report" => listing::report(&mut api, &parsed, out).await,
            "info" => showing::show(&mut api, &parsed, out).await,
            "add" | "create" => making::add(&mut api, &parsed, out).await,
            "edit" | "update" => making::edit(&mut api, &parsed, out).await,
            "get" => getting::get(&mut api, &parsed, out).await,
            "purge" => emptying::purge(&mut api, &parsed, out).await,
            _ => emptying::remove(&mut api, &parsed, out).await,
        }
    })
}

/// What all of them understand.
pub(super) const COMMON: [Flag<Argument>; 3] = [
    flag(Argument::Json, &["json"], Kind::Bool),
    flag(Argument::Domain, &["domain", "js-domain"], Kind::Text),
    flag(Argument::Timeout, &["timeout"], Kind::Text),
];

pub(super) fn usage(message: &str) -> ToolError {
    ToolError::Usage(message.to_owned())
}

/// The one stream that is named.
pub(super) fn stream_name(parsed: &Parsed<Argument>) -> Result<&str, ToolError> {
    match &parsed.rest[..] {
        [name] => checked(name),
        _ => Err(usage("name one stream")),
    }
}

/// The name as a token of the API's subjects.
pub(super) fn checked(name: &str) -> Result<&str, ToolError> {
    let is_token = !name.is_empty()
        && !name.contains(|sign: char| sign.is_whitespace() || sign.is_control() || ".*>/\\".contains(sign));
    match is_token {
        true => Ok(name),
        false => Err(usage(&format!("{name:?} cannot be the name of a stream"))),
    }
}

pub(super) fn json(out: &mut impl Write, answer: &impl serde::Serialize) -> Result<(), ToolError> {
    serde_json::to_writer_pretty(&mut *out, answer).map_err(io::Error::from)?;
    Ok(out.write_all(b"\n")?)
}

/// Tells what has been done; or shows what the server has answered, if that is wanted.
pub(super) fn told(
    parsed: &Parsed<Argument>,
    answer: &impl serde::Serialize,
    out: &mut impl Write,
    text: &str,
) -> Result<(), ToolError> {
    match parsed.is_true(Argument::Json) {
        true => json(out, answer),
        false => Ok(writeln!(out, "{text}")?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tokens_of_subjects() {
        for name in ["ORDERS", "a-b_c", "ü"] {
            assert_eq!(checked(name).unwrap(), name);
        }
        for name in ["", "a.b", "a b", "*", ">", "a/b", "a\\b", "a\n"] {
            assert!(checked(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_told() {
        for (line, message) in [
            ("", "stream needs a command: vagus stream ls"),
            ("fly", r#"stream knows no command "fly""#),
            ("info --force X", "there is no flag -force"),
            ("rm --max-msgs 1 X", "there is no flag -max-msgs"),
        ] {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let error = run(&args, &mut Vec::new()).unwrap_err();
            assert_eq!(error.to_string(), message, "{line}");
        }
    }
}
