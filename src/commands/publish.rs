//! `vagus pub`.

use super::arguments::{self, Argument, ServerOptions, flag};
use super::error::ToolError;
use super::session::{Session, send_error};
use super::{block_on, output};
use crate::flags::syntax::{Kind, Parsed};
use async_nats::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use std::io::{Read, Write};

pub(super) const HELP: &str = "\
Usage: vagus pub [options] <subject> <message>

Publishes a message; with - as the message, what comes from standard input.

    -r, --reply <subject>    Where answers are to go
    -H, --header <K: V>      Add a header; may be given several times
    -c, --count <number>     How often to publish it (1)
";

pub(super) fn run(args: &[String], out: &mut impl Write) -> Result<(), ToolError> {
    let own = vec![
        flag(Argument::Reply, &["r", "reply"], Kind::Text),
        flag(Argument::Header, &["H", "header"], Kind::Text),
        flag(Argument::Count, &["c", "count"], Kind::Integer),
    ];
    let parsed = arguments::read(own, args)?;
    let server = arguments::server(&parsed, arguments::environment())?;
    let [subject, message] = &parsed.rest[..] else {
        return Err(ToolError::Usage(
            "pub needs a subject and a message: vagus pub <subject> <message>".to_owned(),
        ));
    };
    let count = arguments::count(&parsed, Argument::Count, "count", 1)?;
    let headers = read_headers(&parsed)?;
    let reply = parsed.text(Argument::Reply).map(str::to_owned);
    let payload = read_payload(message)?;
    let outgoing = Outgoing {
        subject: subject.clone(),
        reply,
        headers,
        payload,
        count,
    };
    block_on(publish(server, outgoing, out))
}

struct Outgoing {
    subject: String,
    reply: Option<String>,
    headers: Option<HeaderMap>,
    payload: Bytes,
    count: u64,
}

async fn publish(server: ServerOptions, message: Outgoing, out: &mut impl Write) -> Result<(), ToolError> {
    let mut session = Session::connect(server).await?;
    for _ in 0..message.count {
        send(
            &session,
            &message.subject,
            message.reply.as_deref(),
            message.headers.clone(),
            message.payload.clone(),
        )
        .await?;
    }
    session.confirm().await?;
    output::published(out, &message.subject, &message.payload, message.count)?;
    Ok(())
}

/// Publishes one message in whichever of the four forms it has.
pub(super) async fn send(
    session: &Session,
    subject: &str,
    reply: Option<&str>,
    headers: Option<HeaderMap>,
    payload: Bytes,
) -> Result<(), ToolError> {
    let client = &session.client;
    let subject = subject.to_owned();
    match (reply, headers) {
        (None, None) => client.publish(subject, payload).await,
        (None, Some(headers)) => client.publish_with_headers(subject, headers, payload).await,
        (Some(reply), None) => {
            client
                .publish_with_reply(subject, reply.to_owned(), payload)
                .await
        }
        (Some(reply), Some(headers)) => {
            client
                .publish_with_reply_and_headers(subject, reply.to_owned(), headers, payload)
                .await
        }
    }
    .map_err(send_error)
}

/// The headers given with `-H`, if any.
pub(super) fn read_headers(parsed: &Parsed<Argument>) -> Result<Option<HeaderMap>, ToolError> {
    let mut headers = HeaderMap::new();
    for given in parsed.given.iter().filter(|given| given.id == Argument::Header) {
        let text = given.value.text();
        let bad = || ToolError::Usage(format!("a header is given as 'Name: value', not {text:?}"));
        let (name, value) = text
            .split_once(':')
            .filter(|(name, _)| !name.trim().is_empty())
            .ok_or_else(bad)?;
        let name: HeaderName = name.trim().parse().map_err(|_| bad())?;
        let value: HeaderValue = value.trim().parse().map_err(|_| bad())?;
        headers.append(name, value);
    }
    Ok(Some(headers).filter(|headers| !headers.is_empty()))
}

/// The message itself, or for `-` what comes from standard input.
pub(super) fn read_payload(message: &str) -> Result<Bytes, ToolError> {
    if message != "-" {
        return Ok(Bytes::copy_from_slice(message.as_bytes()));
    }
    let mut payload = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut payload)
        .map_err(ToolError::Input)?;
    Ok(payload.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers_of(args: &[&str]) -> Result<Option<HeaderMap>, ToolError> {
        let own = vec![flag(Argument::Header, &["H", "header"], Kind::Text)];
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        read_headers(&arguments::read(own, &args).unwrap())
    }

    #[test]
    fn headers_from_the_command_line() {
        assert!(headers_of(&["a"]).unwrap().is_none());
        let headers = headers_of(&["-H", "K: v:w", "-H", "K:x"]).unwrap().unwrap();
        let values: Vec<&str> = headers.get_all("K").map(HeaderValue::as_str).collect();
        assert_eq!(values, ["v:w", "x"]);
        for bad in ["no colon", ": v", "a b: v", "K: a\nb"] {
            assert!(
                matches!(headers_of(&["-H", bad]), Err(ToolError::Usage(_))),
                "{bad}"
            );
        }
    }
}
