//! `vagus consumer`: lists, shows, makes, pauses and deletes consumers, and gets their next message.

mod listing;
mod making;
mod next;
mod showing;

use super::arguments::{self, Argument, flag};
use super::block_on;
use super::error::ToolError;
use super::stream::api::Api;
use super::stream::settings::{Form, Setting};
use super::stream::{self, COMMON, question};
use crate::flags::syntax::{Kind, Parsed};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::io::Write;

pub(super) const HELP: &str = "\
Usage: vagus consumer ls [options] <stream>                    list the consumers of a stream
       vagus consumer info [options] <stream> <consumer>       show one: its settings and how far it is
       vagus consumer add [options] <stream> <consumer>        make one
       vagus consumer rm [options] <stream> <consumer>         delete one
       vagus consumer next [options] <stream> <consumer>       get its next messages, and acknowledge them
       vagus consumer pause [options] <stream> <consumer> <time>    have one deliver nothing for a time, such as 1h
       vagus consumer resume [options] <stream> <consumer>     have one that is paused go on

    ls:
        --names                  Names only
    add:
        --filter <subjects>      Only messages of these subjects, with commas between
        --deliver <which>        all, last, new or last_per_subject (all)
        --start-seq <number>     From this sequence on
        --ack <policy>           explicit, all or none (explicit)
        --ack-wait <time>        How long a message may be unacknowledged until it is delivered again
        --max-deliver <number>   How often a message is delivered (no limit: -1)
        --max-ack-pending <number>  How many may be unacknowledged
        --target <subject>       Push messages there
        --group <name>           to this queue group
        --heartbeat <time>       Say so often that nothing is to be pushed
        --flow-control           Wait for who is pushed to
        --ephemeral              Go when nobody has used it for a while
        --inactive <time>        After so long without use
        --replay <how>           instant or original (instant)
        --headers-only           Without payloads
        --description <text>     What it is for
        --metadata <K=V>         A note; may be given several times
    next:
    -c, --count <number>         How many messages (1)
        --no-ack                 Do not acknowledge them
        --wait <time>            How long to wait for them (5s)
        --raw                    Payloads only
    rm:
    -f, --force                  Do not ask
    all:
        --json                   Show what the server answers
        --domain <name>          Ask in this domain
        --timeout <time>         How long an answer may take (5s)
";

/// What can be said of a consumer.
const SETTINGS: &[Setting] = &[
    ("filter_subjects", &["filter"], Form::Texts),
    ("deliver_policy", &["deliver"], Form::Text),
    ("opt_start_seq", &["start-seq"], Form::Number),
    ("ack_policy", &["ack"], Form::Text),
    ("ack_wait", &["ack-wait"], Form::Time),
    ("max_deliver", &["max-deliver"], Form::Number),
    ("max_ack_pending", &["max-ack-pending"], Form::Number),
    ("deliver_subject", &["target"], Form::Text),
    ("deliver_group", &["group"], Form::Text),
    ("idle_heartbeat", &["heartbeat"], Form::Time),
    ("flow_control", &["flow-control"], Form::Switch),
    ("inactive_threshold", &["inactive"], Form::Time),
    ("replay_policy", &["replay"], Form::Text),
    ("headers_only", &["headers-only"], Form::Switch),
    ("description", &["description"], Form::Text),
    ("metadata", &["metadata"], Form::Notes),
];

/// Runs one of the commands about consumers.
pub(super) fn run(args: &[String], out: &mut impl Write) -> Result<(), ToolError> {
    let [command, args @ ..] = args else {
        return Err(stream::usage(
            "consumer needs a command: vagus consumer ls <stream>",
        ));
    };
    let mut flags = match &**command {
        "ls" | "list" => listing::FLAGS.to_vec(),
        "info" | "pause" | "resume" => Vec::new(),
        "add" | "create" => making::flags(),
        "rm" | "delete" => vec![flag(Argument::Force, &["f", "force"], Kind::Bool)],
        "next" => next::FLAGS.to_vec(),
        other => return Err(stream::usage(&format!("consumer knows no command {other:?}"))),
    };
    flags.extend(COMMON);
    let parsed = arguments::read(flags, args)?;
    block_on(async {
        let mut api = Api::connect(&parsed).await?;
        match &**command {
            "ls" | "list" => listing::list(&mut api, &parsed, out).await,
            "info" => showing::show(&mut api, &parsed, out).await,
            "add" | "create" => making::add(&mut api, &parsed, out).await,
            "rm" | "delete" => remove(&mut api, &parsed, out).await,
            "next" => next::get(&mut api, &parsed, out).await,
            "pause" => pause(&mut api, &parsed, out).await,
            _ => resume(&mut api, &parsed, out).await,
        }
    })
}

/// The stream and the consumer that are named.
fn names(parsed: &Parsed<Argument>) -> Result<(&str, &str), ToolError> {
    match &parsed.rest[..] {
        [of, name] => Ok((stream::checked(of)?, stream::checked(name)?)),
        _ => Err(stream::usage("name a stream and a consumer")),
    }
}

async fn remove(api: &mut Api, parsed: &Parsed<Argument>, out: &mut impl Write) -> Result<(), ToolError> {
    let (of, name) = names(parsed)?;
    let question = format!("Delete the consumer {name} of {of}, and what it knows to be acknowledged?");
    question::ask(&question, parsed.is_true(Argument::Force))?;
    let answer = api
        .ask(&format!("CONSUMER.DELETE.{of}.{name}"), &Value::Null)
        .await?;
    stream::told(parsed, &answer, out, &format!("Deleted {name}"))
}

async fn pause(api: &mut Api, parsed: &Parsed<Argument>, out: &mut impl Write) -> Result<(), ToolError> {
    let [of, name, time] = &parsed.rest[..] else {
        return Err(stream::usage(
            "name a stream, a consumer and for how long: vagus consumer pause S C 1h",
        ));
    };
    let (of, name) = (stream::checked(of)?, stream::checked(name)?);
    let until = arguments::read_duration(time)
        .and_then(|time| SignedDuration::try_from(time).ok())
        .and_then(|time| Timestamp::now().checked_add(time).ok());
    let until = until.ok_or_else(|| stream::usage(&format!("{time:?} is no time such as 1h")))?;
    let request = json!({ "pause_until": until.to_string() });
    let answer = api.ask(&format!("CONSUMER.PAUSE.{of}.{name}"), &request).await?;
    stream::told(parsed, &answer, out, &format!("Paused {name} until {until}"))
}

async fn resume(api: &mut Api, parsed: &Parsed<Argument>, out: &mut impl Write) -> Result<(), ToolError> {
    let (of, name) = names(parsed)?;
    let answer = api
        .ask(&format!("CONSUMER.PAUSE.{of}.{name}"), &json!({}))
        .await?;
    stream::told(parsed, &answer, out, &format!("{name} goes on"))
}
