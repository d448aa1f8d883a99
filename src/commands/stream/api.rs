//! Asking the API of JetStream.

use super::StreamError;
use super::answers::{Failed, Page};
use super::progress::Progress;
use crate::commands::arguments::{self, Argument};
use crate::commands::error::ToolError;
use crate::commands::session::{Session, send_error};
use crate::flags::syntax::Parsed;
use async_nats::client::RequestErrorKind;
use async_nats::{HeaderMap, Message, Request, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The API of one account and domain.
pub(in crate::commands) struct Api {
    session: Session,
    prefix: String,
    timeout: Duration,
}

impl Api {
    /// That of the server that arguments name.
    pub(in crate::commands) async fn connect(parsed: &Parsed<Argument>) -> Result<Self, ToolError> {
        let server = arguments::server(parsed, arguments::environment())?;
        let timeout = arguments::duration(parsed, Argument::Timeout, "timeout", PATIENCE)?;
        let session = Session::connect(server).await?;
        Ok(Self::new(session, parsed.text(Argument::Domain), timeout))
    }

    fn new(session: Session, domain: Option<&str>, timeout: Duration) -> Self {
        let prefix = match domain {
            Some(domain) => format!("$JS.{domain}.API"),
            None => "$JS.API".to_owned(),
        };
        Self {
            session,
            prefix,
            timeout,
        }
    }

    /// Sends a request and gives the answer, as it is.
    pub(in crate::commands) async fn ask(&mut self, what: &str, request: &Value) -> Result<Value, ToolError> {
        let body = match request {
            Value::Null => Vec::new(),
            request => request.to_string().into_bytes(),
        };
        let subject = self.subject(what);
        self.request(subject, Request::new().payload(body.into())).await
    }

    /// Publishes a message to a stream, and gives what the stream says.
    pub(in crate::commands) async fn store(
        &mut self,
        subject: &str,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<Value, ToolError> {
        let mut request = Request::new().payload(payload);
        if !headers.is_empty() {
            request = request.headers(headers);
        }
        self.request(subject.to_owned(), request).await
    }

    async fn request(&mut self, subject: String, request: Request) -> Result<Value, ToolError> {
        let answer = self.exchange(subject, request, self.timeout).await?;
        read_answer(&answer.payload)
    }

    async fn exchange(
        &mut self,
        subject: String,
        request: Request,
        timeout: Duration,
    ) -> Result<Message, ToolError> {
        let client = self.session.client.clone();
        let answer = client.send_request(subject, request.timeout(Some(timeout)));
        tokio::pin!(answer);
        let answer = loop {
            tokio::select! {
                answer = &mut answer => break answer,
                watched = self.session.watch() => watched?,
            }
        };
        answer.map_err(|error| match error.kind() {
            RequestErrorKind::NoResponders => StreamError::NotEnabled.into(),
            RequestErrorKind::TimedOut => ToolError::NoAnswer(timeout),
            _ => send_error(error),
        })
    }

    /// Sends a piece of something to where the server wants it. None: the server waits for the next.
    pub(in crate::commands) async fn hand_over(
        &mut self,
        subject: &str,
        piece: Bytes,
        timeout: Option<Duration>,
    ) -> Result<Option<Value>, ToolError> {
        let request = Request::new().payload(piece);
        let timeout = timeout.unwrap_or(self.timeout);
        let answer = self.exchange(subject.to_owned(), request, timeout).await?;
        match answer.payload.is_empty() {
            true => Ok(None),
            false => read_answer(&answer.payload).map(Some),
        }
    }

    /// How long a message may be, in bytes.
    pub(in crate::commands) fn max_payload(&self) -> u64 {
        self.session.client.server_info().max_payload as u64
    }

    /// The subject on which something is asked.
    pub(in crate::commands) fn subject(&self, what: &str) -> String {
        format!("{}.{what}", self.prefix)
    }

    /// An inbox, and what comes there.
    pub(in crate::commands) async fn listen(&mut self) -> Result<(String, Subscriber), ToolError> {
        let inbox = self.session.client.new_inbox();
        let messages = self.session.client.subscribe(inbox.clone()).await;
        Ok((inbox, messages.map_err(send_error)?))
    }

    /// Asks for what comes to an inbox.
    pub(in crate::commands) async fn publish_to(
        &mut self,
        subject: &str,
        inbox: &str,
        request: &Value,
    ) -> Result<(), ToolError> {
        let (client, body) = (&self.session.client, request.to_string());
        let published = client.publish_with_reply(subject.to_owned(), inbox.to_owned(), body.into());
        published.await.map_err(send_error)
    }

    /// The next of the messages that come to an inbox.
    pub(in crate::commands) async fn next_of(
        &mut self,
        messages: &mut Subscriber,
    ) -> Result<Message, ToolError> {
        loop {
            tokio::select! {
                message = messages.next() => return message.ok_or(ToolError::Disconnected),
                watched = self.session.watch() => watched?,
            }
        }
    }

    /// The same; it has to come as soon as an answer has to.
    pub(in crate::commands) async fn next_within_timeout(
        &mut self,
        messages: &mut Subscriber,
    ) -> Result<Message, ToolError> {
        let timeout = self.timeout;
        let next = tokio::time::timeout(timeout, self.next_of(messages)).await;
        next.unwrap_or(Err(ToolError::NoAnswer(timeout)))
    }

    /// Says that a message has come, to who wants to know.
    pub(in crate::commands) async fn answer(&mut self, message: &Message) -> Result<(), ToolError> {
        match message.reply.clone() {
            Some(reply) => {
                let sent = self.session.client.publish(reply, Bytes::new()).await;
                sent.map_err(send_error)
            }
            None => Ok(()),
        }
    }

    /// Says that a message is done with, and waits until the server has heard it.
    pub(in crate::commands) async fn acknowledge(&mut self, message: &Message) -> Result<(), ToolError> {
        let Some(reply) = message.reply.clone() else {
            return Ok(());
        };
        let request = Request::new().payload("+ACK".into()).timeout(Some(self.timeout));
        let answered = self.session.client.send_request(reply, request).await;
        answered.map(drop).map_err(|error| match error.kind() {
            RequestErrorKind::TimedOut => ToolError::NoAnswer(self.timeout),
            _ => send_error(error),
        })
    }

    /// All of what is answered in several parts, each of which has them under `key`.
    pub(in crate::commands) async fn ask_for_all(
        &mut self,
        what: &str,
        mut request: Value,
        key: &str,
    ) -> Result<Vec<Value>, ToolError> {
        let mut all = Vec::new();
        let mut progress = Progress::of(key);
        loop {
            if let Some(request) = request.as_object_mut() {
                request.insert("offset".to_owned(), json!(all.len()));
            }
            let mut answer = self.ask(what, &request).await?;
            let Page { total } = read(answer.clone())?;
            // Of none that there are servers answer null, or nothing.
            let part = answer.get_mut(key).map(Value::take);
            let part: Vec<Value> = part.map_or(Ok(None), read)?.unwrap_or_default();
            let is_last = part.is_empty();
            all.extend(part);
            if is_last || all.len() >= total {
                return Ok(all);
            }
            progress.draw(all.len(), total);
        }
    }
}

/// What an answer says; or why not.
fn read_answer(payload: &[u8]) -> Result<Value, ToolError> {
    let answer: Value = serde_json::from_slice(payload).map_err(StreamError::Unreadable)?;
    match answer.get("error") {
        None => Ok(answer),
        Some(error) => {
            let Failed {
                description,
                code,
                err_code,
            } = read(error.clone())?;
            let code = if err_code == 0 { code } else { err_code };
            Err(StreamError::Refused { description, code }.into())
        }
    }
}

/// An answer, or a part of one, as what it has to be.
pub(in crate::commands) fn read<T: DeserializeOwned>(answer: Value) -> Result<T, ToolError> {
    Ok(serde_json::from_value(answer).map_err(StreamError::Unreadable)?)
}
