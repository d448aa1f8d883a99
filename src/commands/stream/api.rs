//! Asking the API of JetStream.

use super::StreamError;
use super::answers::{Failed, Page};
use super::progress::Progress;
use crate::commands::error::ToolError;
use crate::commands::session::{Session, send_error};
use async_nats::Request;
use async_nats::client::RequestErrorKind;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;

/// The API of one account and domain.
pub(super) struct Api {
    session: Session,
    prefix: String,
    timeout: Duration,
}

impl Api {
    pub(super) fn new(session: Session, domain: Option<&str>, timeout: Duration) -> Self {
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
    pub(super) async fn ask(&mut self, what: &str, request: &Value) -> Result<Value, ToolError> {
        let subject = format!("{}.{what}", self.prefix);
        let body = match request {
            Value::Null => Vec::new(),
            request => request.to_string().into_bytes(),
        };
        let client = self.session.client.clone();
        let request = Request::new().payload(body.into()).timeout(Some(self.timeout));
        let answer = client.send_request(subject, request);
        tokio::pin!(answer);
        let answer = loop {
            tokio::select! {
                answer = &mut answer => break answer,
                watched = self.session.watch() => watched?,
            }
        };
        let answer = answer.map_err(|error| match error.kind() {
            RequestErrorKind::NoResponders => StreamError::NotEnabled.into(),
            RequestErrorKind::TimedOut => ToolError::NoAnswer(self.timeout),
            _ => send_error(error),
        })?;
        let answer: Value = serde_json::from_slice(&answer.payload).map_err(StreamError::Unreadable)?;
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

    /// All of what is answered in several parts, each of which has them under `key`.
    pub(super) async fn ask_for_all(
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
            let part = answer.get_mut(key).map(Value::take);
            let part: Vec<Value> = part.map_or(Ok(Vec::new()), read)?;
            let is_last = part.is_empty();
            all.extend(part);
            if is_last || all.len() >= total {
                return Ok(all);
            }
            progress.draw(all.len(), total);
        }
    }
}

/// An answer, or a part of one, as what it has to be.
pub(super) fn read<T: DeserializeOwned>(answer: Value) -> Result<T, ToolError> {
    Ok(serde_json::from_value(answer).map_err(StreamError::Unreadable)?)
}
