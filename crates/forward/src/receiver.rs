//! The end that gets events.

use crate::entries::Limits;
use crate::error::{BadMessage, HandshakeError};
use crate::handshake::{Credentials, Helo, Ping, Pong, digest};
use crate::message::{Frame, Message, acknowledgement, read};
use bytes::Bytes;
use std::sync::Arc;
use thiserror::Error;

/// A connection of a peer that sends.
#[derive(Debug)]
pub struct Receiver {
    limits: Limits,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The peer was greeted, and has to show what it knows.
    Greeted {
        credentials: Arc<Credentials>,
        helo: Helo,
    },
    /// It may send.
    Open,
}

/// What is to be done about a frame.
#[derive(Debug)]
pub enum Received {
    /// Nothing.
    Nothing,
    /// This is to be said.
    Reply(Vec<u8>),
    /// There are events. When they are where they belong, the peer is to be told so with [`Arrived::reply`].
    Events(Message, Arrived),
}

/// What a peer is told of events that are where they belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived(Option<Bytes>);

impl Arrived {
    /// Of events that came one after the other, with the number that stood behind them.
    pub fn all(chunk: Option<Bytes>) -> Self {
        Self(chunk)
    }

    /// What is to be said; None if the peer did not ask.
    pub fn reply(&self) -> Option<Vec<u8>> {
        self.0.as_deref().map(acknowledgement)
    }
}

/// Why a peer has to go.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// What it sent is no message.
    #[error(transparent)]
    Message(#[from] BadMessage),
    /// It may not come in. The last is what it is told first, if anything.
    #[error("{0}")]
    Handshake(HandshakeError, Option<Vec<u8>>),
}

impl Receiver {
    /// Begins with a peer; what is to be said to it first comes with it. Where credentials are asked for, `random` is 32
    /// bytes that nobody can guess.
    pub fn greet(
        credentials: Option<Arc<Credentials>>,
        limits: Limits,
        random: [u8; 32],
    ) -> (Self, Option<Vec<u8>>) {
        let Some(credentials) = credentials else {
            let stage = Stage::Open;
            return (Self { limits, stage }, None);
        };
        let hexadecimal = digest(&[&random]);
        let (nonce, auth) = hexadecimal.split_at(hexadecimal.len() / 2);
        let helo = Helo {
            nonce: nonce.to_vec(),
            auth: match credentials.users.is_empty() {
                true => Vec::new(),
                false => auth.to_vec(),
            },
        };
        let greeting = helo.encode();
        let stage = Stage::Greeted { credentials, helo };
        (Self { limits, stage }, Some(greeting))
    }

    /// Takes a frame, which is a whole value.
    ///
    /// # Errors
    /// When the peer has to go.
    pub fn take(&mut self, frame: &Bytes) -> Result<Received, Refusal> {
        match &self.stage {
            Stage::Open => match read(frame, self.limits)? {
                Frame::Heartbeat => Ok(Received::Nothing),
                Frame::Events(message) => {
                    let arrived = Arrived(message.chunk.clone());
                    Ok(Received::Events(message, arrived))
                }
            },
            Stage::Greeted { credentials, helo } => {
                let ping = Ping::read(frame)
                    .ok_or(Refusal::Handshake(HandshakeError::Unexpected("a PING"), None))?;
                let admitted = credentials.admit(helo, &ping);
                let reason = admitted
                    .as_ref()
                    .err()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                let hostname = credentials.self_hostname.as_bytes();
                let key = credentials.shared_key.as_bytes();
                let digest = digest(&[ping.salt, hostname, &helo.nonce, key]);
                let is_welcome = admitted.is_ok();
                let pong = Pong {
                    is_welcome,
                    reason: reason.as_bytes(),
                    // Who does not know the key is shown nothing that is made with it.
                    hostname: if is_welcome { hostname } else { b"" },
                    digest: if is_welcome { &digest } else { b"" },
                }
                .encode();
                match admitted {
                    Ok(()) => {
                        self.stage = Stage::Open;
                        Ok(Received::Reply(pong))
                    }
                    Err(error) => Err(Refusal::Handshake(error, Some(pong))),
                }
            }
        }
    }

    /// Whether the peer may send events.
    pub fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open)
    }
}

#[cfg(test)]
mod tests;
