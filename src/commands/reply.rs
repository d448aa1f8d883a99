//! `vagus reply`.

use super::arguments::{self, Argument, ServerOptions, flag};
use super::error::ToolError;
use super::output::Style;
use super::session::{Session, send_error};
use super::subscribe::{CHUNK, listen, show, style};
use super::{block_on, publish};
use crate::flags::syntax::Kind;
use async_nats::Message;
use bytes::Bytes;
use futures_util::StreamExt;
use std::io::Write;

pub(super) const HELP: &str = "\
Usage: vagus reply [options] <subject> <message>
       vagus reply [options] --echo <subject>

Answers the requests of a subject until interrupted.

        --echo               Answer each request with its own message and headers
    -q, --queue <group>      Share the requests with the others of this queue group
    -c, --count <number>     End after this many requests
    -t, --timestamps         Begin each line with the time
";

pub(super) fn run(args: &[String], out: &mut impl Write) -> Result<(), ToolError> {
    let own = vec![
        flag(Argument::Echo, &["echo"], Kind::Bool),
        flag(Argument::Queue, &["q", "queue"], Kind::Text),
        flag(Argument::Count, &["c", "count"], Kind::Integer),
        flag(Argument::Timestamps, &["t", "timestamps"], Kind::Bool),
    ];
    let parsed = arguments::read(own, args)?;
    let server = arguments::server(&parsed, arguments::environment())?;
    let (subject, answer) = match (&parsed.rest[..], parsed.is_true(Argument::Echo)) {
        ([subject], true) => (subject, None),
        ([subject, message], false) => (subject, Some(publish::read_payload(message)?)),
        _ => {
            return Err(ToolError::Usage(
                "reply needs a subject and either a message or --echo: vagus reply <subject> <message>"
                    .to_owned(),
            ));
        }
    };
    let count = arguments::count(&parsed, Argument::Count, "count", 0)?;
    block_on(reply(server, subject, answer, style(&parsed), count, out))
}

/// Answers with `answer`, or without one with what was asked.
async fn reply(
    server: ServerOptions,
    subject: &str,
    answer: Option<Bytes>,
    style: Style,
    count: u64,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let mut session = Session::connect(server).await?;
    let mut requests = listen(&mut session, subject, &style, out).await?;
    if count > 0 {
        requests.unsubscribe_after(count).await.map_err(send_error)?;
    }
    let mut requests = requests.ready_chunks(CHUNK);
    let mut number = 0;
    loop {
        tokio::select! {
            chunk = requests.next() => {
                let Some(chunk) = chunk else {
                    return session.confirm().await;
                };
                for request in chunk {
                    number += 1;
                    show(out, &style, number, &request)?;
                    answer_one(&session, request, answer.clone()).await?;
                }
                out.flush()?;
            }
            watched = session.watch() => watched?,
        }
    }
}

/// A message that names no place for an answer gets none.
async fn answer_one(session: &Session, request: Message, answer: Option<Bytes>) -> Result<(), ToolError> {
    let Some(inbox) = request.reply else {
        return Ok(());
    };
    let (payload, headers) = match answer {
        Some(payload) => (payload, None),
        None => (request.payload, request.headers),
    };
    publish::send(session, &inbox, None, headers, payload).await
}
