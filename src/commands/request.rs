//! `vagus req`.

use super::arguments::{self, Argument, ServerOptions, flag};
use super::error::ToolError;
use super::session::{Session, send_error};
use super::{block_on, output, publish};
use crate::flags::syntax::Kind;
use async_nats::{HeaderMap, StatusCode};
use bytes::Bytes;
use futures_util::StreamExt;
use std::io::Write;
use std::time::Duration;
use tokio::time::Instant;

pub(super) const HELP: &str = "\
Usage: vagus req [options] <subject> <message>

Sends a request and shows the answer; with - as the message, what comes from standard input.

        --timeout <time>     How long to wait for answers (2s)
        --replies <number>   How many answers to wait for; 0 for all that come in time (1)
    -H, --header <K: V>      Add a header; may be given several times
        --raw                Show the payload of answers only
";

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn run(args: &[String], out: &mut impl Write) -> Result<(), ToolError> {
    let own = vec![
        flag(Argument::Timeout, &["timeout"], Kind::Text),
        flag(Argument::Replies, &["replies"], Kind::Integer),
        flag(Argument::Header, &["H", "header"], Kind::Text),
        flag(Argument::Raw, &["raw"], Kind::Bool),
    ];
    let parsed = arguments::read(own, args)?;
    let server = arguments::server(&parsed, arguments::environment())?;
    let [subject, message] = &parsed.rest[..] else {
        return Err(ToolError::Usage(
            "req needs a subject and a message: vagus req <subject> <message>".to_owned(),
        ));
    };
    let question = Question {
        subject: subject.clone(),
        headers: publish::read_headers(&parsed)?,
        timeout: arguments::duration(&parsed, Argument::Timeout, "timeout", PATIENCE)?,
        replies: arguments::count(&parsed, Argument::Replies, "replies", 1)?,
        raw: parsed.is_true(Argument::Raw),
        payload: publish::read_payload(message)?,
    };
    block_on(request(server, question, out))
}

struct Question {
    subject: String,
    headers: Option<HeaderMap>,
    payload: Bytes,
    timeout: Duration,
    /// 0 for all that come in time.
    replies: u64,
    raw: bool,
}

async fn request(server: ServerOptions, question: Question, out: &mut impl Write) -> Result<(), ToolError> {
    let mut session = Session::connect(server).await?;
    let inbox = session.client.new_inbox();
    let mut answers = session
        .client
        .subscribe(inbox.clone())
        .await
        .map_err(send_error)?;
    publish::send(
        &session,
        &question.subject,
        Some(&inbox),
        question.headers,
        question.payload.clone(),
    )
    .await?;
    if !question.raw {
        output::published(out, &question.subject, &question.payload, 1)?;
        out.flush()?;
    }
    let end = Instant::now() + question.timeout;
    let mut received = 0;
    while question.replies == 0 || received < question.replies {
        tokio::select! {
            biased;
            answer = answers.next() => {
                let answer = answer.ok_or(ToolError::Disconnected)?;
                if answer.status == Some(StatusCode::NO_RESPONDERS) {
                    return Err(ToolError::NoResponders(question.subject));
                }
                received += 1;
                if question.raw {
                    out.write_all(&answer.payload)?;
                    out.write_all(b"\n")?;
                } else {
                    output::answered(out, &answer.subject, &answer.payload)?;
                    if let Some(headers) = &answer.headers {
                        output::headers(out, headers)?;
                    }
                }
                out.flush()?;
            }
            watched = session.watch() => watched?,
            () = tokio::time::sleep_until(end) => {
                return if received > 0 && question.replies == 0 {
                    Ok(())
                } else {
                    Err(ToolError::NoAnswer(question.timeout))
                };
            }
        }
    }
    Ok(())
}
