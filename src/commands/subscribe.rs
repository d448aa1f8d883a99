//! `vagus sub`.

use super::arguments::{self, Argument, ServerOptions, flag};
use super::block_on;
use super::error::ToolError;
use super::output::{self, Style};
use super::session::{Session, send_error};
use crate::flags::syntax::{Kind, Parsed};
use async_nats::{Message, Subscriber};
use futures_util::StreamExt;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io::Write;

pub(super) const HELP: &str = "\
Usage: vagus sub [options] <subject>

Shows the messages of a subject, which may have wildcards, until interrupted.

    -q, --queue <group>      Share the messages with the others of this queue group
    -c, --count <number>     End after this many messages
    -t, --timestamps         Begin each line with the time
        --raw                Show payloads only
";

pub(super) fn run(args: &[String], out: &mut impl Write) -> Result<(), ToolError> {
    let own = vec![
        flag(Argument::Queue, &["q", "queue"], Kind::Text),
        flag(Argument::Count, &["c", "count"], Kind::Integer),
        flag(Argument::Timestamps, &["t", "timestamps"], Kind::Bool),
        flag(Argument::Raw, &["raw"], Kind::Bool),
    ];
    let parsed = arguments::read(own, args)?;
    let server = arguments::server(&parsed, arguments::environment())?;
    let [subject] = &parsed.rest[..] else {
        return Err(ToolError::Usage(
            "sub needs a subject: vagus sub <subject>".to_owned(),
        ));
    };
    let count = arguments::count(&parsed, Argument::Count, "count", 0)?;
    block_on(subscribe(server, subject, style(&parsed), count, out))
}

/// How the flags want messages to be shown.
pub(super) fn style(parsed: &Parsed<Argument>) -> Style {
    Style {
        raw: parsed.is_true(Argument::Raw),
        times: parsed.is_true(Argument::Timestamps).then(TimeZone::system),
        queue: parsed
            .text(Argument::Queue)
            .map(|queue| (queue.to_owned(), std::process::id())),
    }
}

async fn subscribe(
    server: ServerOptions,
    subject: &str,
    style: Style,
    count: u64,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let mut session = Session::connect(server).await?;
    let mut messages = listen(&mut session, subject, &style, out).await?;
    if count > 0 {
        // The stream ends by itself then.
        messages.unsubscribe_after(count).await.map_err(send_error)?;
    }
    let mut messages = messages.ready_chunks(CHUNK);
    let mut number = 0;
    loop {
        tokio::select! {
            chunk = messages.next() => {
                let Some(chunk) = chunk else {
                    return Ok(());
                };
                for message in chunk {
                    number += 1;
                    show(out, &style, number, &message)?;
                }
                out.flush()?;
            }
            watched = session.watch() => watched?,
        }
    }
}

/// Messages that are shown before the output is flushed, if that many are there.
pub(super) const CHUNK: usize = 256;

/// Subscribes, and says so once the subscription is in force.
pub(super) async fn listen(
    session: &mut Session,
    subject: &str,
    style: &Style,
    out: &mut impl Write,
) -> Result<Subscriber, ToolError> {
    let client = &session.client;
    let subject = subject.to_owned();
    let messages = match &style.queue {
        None => client.subscribe(subject.clone()).await,
        Some((queue, _)) => client.queue_subscribe(subject.clone(), queue.clone()).await,
    }
    .map_err(send_error)?;
    session.confirm().await?;
    if !style.raw {
        output::listening(out, &subject)?;
    }
    Ok(messages)
}

pub(super) fn show(
    out: &mut impl Write,
    style: &Style,
    number: u64,
    message: &Message,
) -> Result<(), ToolError> {
    output::received(
        out,
        style,
        number,
        &message.subject,
        &message.payload,
        Timestamp::now(),
    )?;
    if let Some(headers) = &message.headers
        && !style.raw
    {
        output::headers(out, headers)?;
    }
    Ok(())
}
