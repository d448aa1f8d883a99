//! A connection to a server, with all it says beside messages.

use super::address::Credentials;
use super::arguments::ServerOptions;
use super::error::ToolError;
use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use bytes::Bytes;
use futures_util::StreamExt;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How long the server may take to confirm what it was sent.
const CONFIRMATION: Duration = Duration::from_secs(10);

/// A connected client.
pub(super) struct Session {
    pub(super) client: Client,
    events: UnboundedReceiver<Event>,
    /// Whether the connection was lost; the client comes back by itself.
    lost: bool,
}

impl Session {
    pub(super) async fn connect(server: ServerOptions) -> Result<Self, ToolError> {
        let shown: Vec<String> = server.addresses.iter().map(ToString::to_string).collect();
        let shown = shown.join(", ");
        let addresses: Vec<ServerAddr> = server
            .addresses
            .iter()
            .map(|address| {
                format!("nats://{address}")
                    .parse()
                    .map_err(|error: std::io::Error| connect_error(&shown, &error))
            })
            .collect::<Result<_, _>>()?;
        // A person's tool has few events; the channel is bound by what the server says.
        let (tell, events) = unbounded_channel();
        let mut options = ConnectOptions::new().name("vagus").event_callback(move |event| {
            let _ = tell.send(event);
            std::future::ready(())
        });
        options = match server.credentials {
            None => options,
            Some(Credentials::User { user, password }) => options.user_and_password(user, password),
            Some(Credentials::Token(token)) => options.token(token),
        };
        let client = options
            .connect(addresses)
            .await
            .map_err(|error| connect_error(&shown, &error))?;
        Ok(Self {
            client,
            events,
            lost: false,
        })
    }

    /// Waits until the server has dealt with all that was sent, and tells what it had against it.
    pub(super) async fn confirm(&mut self) -> Result<(), ToolError> {
        // A message to ourselves: the server answers in order, so every complaint comes before it.
        let inbox = self.client.new_inbox();
        let mut echo = self.client.subscribe(inbox.clone()).await.map_err(send_error)?;
        self.client
            .publish(inbox.clone(), Bytes::new())
            .await
            .map_err(send_error)?;
        let answered = tokio::time::timeout(CONFIRMATION, async {
            loop {
                tokio::select! {
                    biased;
                    event = self.events.recv() => match complaint(event)? {
                        // Nobody asked for the inbox; that it is forbidden is an answer too.
                        Some(text) if text.contains(inbox.as_str()) => break,
                        Some(text) => return Err(ToolError::Server(text)),
                        None => {}
                    },
                    message = echo.next() => match message {
                        Some(_) => break,
                        None => return Err(ToolError::Disconnected),
                    },
                }
            }
            // What the client has seen before the answer is on its way to us.
            tokio::task::yield_now().await;
            while let Ok(event) = self.events.try_recv() {
                match complaint(Some(event))? {
                    Some(text) if !text.contains(inbox.as_str()) => return Err(ToolError::Server(text)),
                    _ => {}
                }
            }
            Ok(())
        });
        answered.await.unwrap_or(Err(ToolError::NoAnswer(CONFIRMATION)))
    }

    /// Waits for the next thing that happens to the connection and tells of it. What the server complains
    /// about ends the tool. Nothing is lost when the wait is cancelled.
    pub(super) async fn watch(&mut self) -> Result<(), ToolError> {
        match self.events.recv().await {
            None | Some(Event::Closed) => return Err(ToolError::Disconnected),
            Some(Event::ServerError(error)) => return Err(ToolError::Server(plainly(&error))),
            // Each attempt that fails; it goes on.
            Some(Event::ClientError(_)) if self.lost => {}
            Some(Event::Connected) if self.lost => {
                self.lost = false;
                crate::complain(&"connected again");
            }
            Some(Event::Connected) => {}
            Some(Event::Disconnected) => {
                self.lost = true;
                crate::complain(&"the connection is lost, trying again");
            }
            Some(event) => crate::complain(&event),
        }
        Ok(())
    }
}

/// What the server complains about in `event`.
fn complaint(event: Option<Event>) -> Result<Option<String>, ToolError> {
    match event {
        Some(Event::ServerError(error)) => Ok(Some(plainly(&error))),
        Some(Event::Disconnected | Event::Closed) | None => Err(ToolError::Disconnected),
        Some(_) => Ok(None),
    }
}

pub(super) fn send_error(error: impl std::fmt::Display) -> ToolError {
    ToolError::Send(error.to_string())
}

fn connect_error(address: &str, error: &dyn std::error::Error) -> ToolError {
    let mut reason = plainly(&error);
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = plainly(&inner);
        if !reason.contains(&text) {
            reason = format!("{reason}: {text}");
        }
        cause = inner.source();
    }
    ToolError::Connect {
        address: address.to_owned(),
        reason,
    }
}

/// The words of the client library, without what it says twice.
fn plainly(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut parts: Vec<&str> = text.split(": ").filter(|part| *part != "nats").collect();
    parts.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::plainly;

    #[test]
    fn errors_in_few_words() {
        assert_eq!(
            plainly(&"authorization violation: nats: Authorization Violation"),
            "authorization violation"
        );
        assert_eq!(
            plainly(&"IO error: Connection refused"),
            "IO error: Connection refused"
        );
    }
}
