//! Getting messages from a consumer.

use super::api::Api;
use crate::commands::error::ToolError;
use async_nats::{Message, Subscriber};
use serde_json::{Value, json};
use std::time::Duration;

/// How many messages are asked for at once.
const BATCH: u64 = 256;

/// How long a request waits at the server, if there is no end to waiting.
const WAITS: Duration = Duration::from_secs(30);

/// What is got from a consumer.
pub(in crate::commands) struct Pull {
    /// What has it go, if it was made for this.
    delete: Option<String>,
    subject: String,
    inbox: String,
    messages: Subscriber,
    /// How many of those that were asked for have not come.
    left: u64,
}

/// A message of a stream.
pub(in crate::commands) struct Pulled {
    pub(in crate::commands) message: Message,
    /// Its sequence in the stream.
    pub(in crate::commands) sequence: u64,
}

impl Pull {
    /// From this consumer.
    pub(in crate::commands) async fn from(
        api: &mut Api,
        stream: &str,
        name: &str,
    ) -> Result<Self, ToolError> {
        let (inbox, messages) = api.listen().await?;
        Ok(Self {
            delete: None,
            subject: api.subject(&format!("CONSUMER.MSG.NEXT.{stream}.{name}")),
            inbox,
            messages,
            left: 0,
        })
    }

    /// From a consumer that is made for it, and goes by itself: `settings` say which messages.
    pub(in crate::commands) async fn through(
        api: &mut Api,
        stream: &str,
        mut settings: Value,
    ) -> Result<Self, ToolError> {
        for (key, value) in [
            ("ack_policy", json!("none")),
            ("mem_storage", json!(true)),
            ("inactive_threshold", json!(60_000_000_000_u64)),
        ] {
            settings[key] = value;
        }
        let request = json!({ "stream_name": stream, "config": settings });
        let made = api.ask(&format!("CONSUMER.CREATE.{stream}"), &request).await?;
        let name = made["name"].as_str().unwrap_or_default().to_owned();
        let pull = Self::from(api, stream, &name).await?;
        Ok(Self {
            delete: Some(format!("CONSUMER.DELETE.{stream}.{name}")),
            ..pull
        })
    }

    /// No more is wanted: what was made for it goes at once.
    pub(in crate::commands) async fn end(self, api: &mut Api) -> Result<(), ToolError> {
        match &self.delete {
            Some(what) => api.ask(what, &Value::Null).await.map(drop),
            None => Ok(()),
        }
    }

    /// The next message. `at_most`: how many more are wanted; `wait`: how long it may take until it is there, None: not at
    /// all. None: there is none.
    pub(in crate::commands) async fn next(
        &mut self,
        api: &mut Api,
        at_most: u64,
        wait: Option<Duration>,
    ) -> Result<Option<Pulled>, ToolError> {
        if self.left == 0 {
            self.left = at_most.min(BATCH);
            let request = match wait {
                None => json!({ "batch": self.left, "no_wait": true }),
                Some(wait) => {
                    let expires = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
                    json!({ "batch": self.left, "expires": expires })
                }
            };
            api.publish_to(&self.subject, &self.inbox, &request).await?;
        }
        loop {
            let message = api.next_of(&mut self.messages).await?;
            match message.status.map(|status| status.as_u16()) {
                None => {
                    self.left -= 1;
                    let sequence = sequence(message.reply.as_deref().unwrap_or_default());
                    return Ok(Some(Pulled { message, sequence }));
                }
                // A sign of life.
                Some(100) => {}
                Some(503) => return Err(super::StreamError::NotEnabled.into()),
                Some(_) => {
                    self.left = 0;
                    return Ok(None);
                }
            }
        }
    }

    /// The next message, however long it takes.
    pub(in crate::commands) async fn wait(&mut self, api: &mut Api) -> Result<Pulled, ToolError> {
        loop {
            if let Some(pulled) = self.next(api, BATCH, Some(WAITS)).await? {
                return Ok(pulled);
            }
        }
    }
}

/// The sequence of a message in its stream, by where it is acknowledged.
fn sequence(reply: &str) -> u64 {
    let tokens: Vec<&str> = reply.split('.').collect();
    // A domain and an account may stand in front.
    let place = if tokens.len() > 9 { 7 } else { 5 };
    tokens
        .get(place)
        .and_then(|token| token.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::sequence;

    #[test]
    fn where_a_message_is() {
        for (reply, expected) in [
            ("$JS.ACK.S.C.1.7.5.1700000000000000000.3", 7),
            ("$JS.ACK.hub.hash.S.C.1.7.5.1700000000000000000.3.token", 7),
            ("", 0),
        ] {
            assert_eq!(sequence(reply), expected, "{reply}");
        }
    }
}
