//! The end that sends events.

use crate::error::HandshakeError;
use crate::handshake::{Credentials, Helo, Ping, Pong, digest, is_same};
use crate::message::read_acknowledgement;
use std::sync::Arc;

/// A connection to a peer that receives.
#[derive(Debug)]
pub struct Sender {
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The peer has to speak first.
    Connected {
        credentials: Arc<Credentials>,
        salt: Vec<u8>,
    },
    /// It was told what we know, and has to show what it knows.
    Shown {
        credentials: Arc<Credentials>,
        salt: Vec<u8>,
        nonce: Vec<u8>,
    },
    /// Events can be sent.
    Open { is_greeted: bool },
}

/// What is to be done about a frame.
#[derive(Debug, PartialEq, Eq)]
pub enum Told<'a> {
    /// Nothing.
    Nothing,
    /// This is to be said.
    Reply(Vec<u8>),
    /// From here on events can be sent.
    Open,
    /// The events of this chunk have arrived.
    Arrived(&'a [u8]),
}

impl Sender {
    /// Begins with a peer. Where it asks for credentials, `random` is 16 bytes of which no two are the same.
    pub fn new(credentials: Option<Arc<Credentials>>, random: [u8; 16]) -> Self {
        let stage = match credentials {
            None => Stage::Open { is_greeted: false },
            Some(credentials) => {
                let mut salt = digest(&[&random]);
                salt.truncate(32);
                Stage::Connected { credentials, salt }
            }
        };
        Self { stage }
    }

    /// Whether events can be sent.
    pub fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open { .. })
    }

    /// Takes a frame of the peer, which is a whole value.
    ///
    /// # Errors
    /// When nothing can come of the connection.
    pub fn take<'f>(&mut self, frame: &'f [u8]) -> Result<Told<'f>, HandshakeError> {
        match &self.stage {
            Stage::Open { is_greeted } => match read_acknowledgement(frame) {
                Some(chunk) => Ok(Told::Arrived(chunk)),
                None if !is_greeted && Helo::read(frame).is_some() => Err(HandshakeError::KeyWanted),
                None => Ok(Told::Nothing),
            },
            Stage::Connected { credentials, salt } => {
                let helo = Helo::read(frame).ok_or(HandshakeError::Unexpected("HELO"))?;
                let reply = credentials.present(&helo, salt)?;
                self.stage = Stage::Shown {
                    credentials: credentials.clone(),
                    salt: salt.clone(),
                    nonce: helo.nonce,
                };
                Ok(Told::Reply(reply))
            }
            Stage::Shown {
                credentials,
                salt,
                nonce,
            } => {
                let pong = Pong::read(frame).ok_or(HandshakeError::Unexpected("PONG"))?;
                credentials.check(&pong, salt, nonce)?;
                self.stage = Stage::Open { is_greeted: true };
                Ok(Told::Open)
            }
        }
    }
}

impl Credentials {
    /// What is said to a peer that greeted us so.
    fn present(&self, helo: &Helo, salt: &[u8]) -> Result<Vec<u8>, HandshakeError> {
        let login = self.users.first();
        if !helo.auth.is_empty() && login.is_none() {
            return Err(HandshakeError::UserWanted);
        }
        let (username, password) = login.map_or(("", ""), |login| (&*login.username, &*login.password));
        let hostname = self.self_hostname.as_bytes();
        let ping = Ping {
            hostname,
            salt,
            digest: &digest(&[salt, hostname, &helo.nonce, self.shared_key.as_bytes()]),
            username: username.as_bytes(),
            password_digest: &match helo.auth.is_empty() {
                true => Vec::new(),
                false => digest(&[&helo.auth, username.as_bytes(), password.as_bytes()]),
            },
        };
        Ok(ping.encode())
    }

    /// Whether a peer is one that events may be sent to.
    fn check(&self, pong: &Pong<'_>, salt: &[u8], nonce: &[u8]) -> Result<(), HandshakeError> {
        if !pong.is_welcome {
            let reason: String = String::from_utf8_lossy(pong.reason).chars().take(200).collect();
            return Err(HandshakeError::Refused(reason));
        }
        if pong.hostname == self.self_hostname.as_bytes() {
            return Err(HandshakeError::SameHostname(self.self_hostname.clone()));
        }
        let expected = digest(&[salt, pong.hostname, nonce, self.shared_key.as_bytes()]);
        match is_same(pong.digest, &expected) {
            true => Ok(()),
            false => Err(HandshakeError::SharedKey),
        }
    }
}

#[cfg(test)]
mod tests;
