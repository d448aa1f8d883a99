//! Clients that speak WebSocket, most of them browsers: what comes before the session, which is that of any client.

use crate::opening::{Arrival, Refused, Step};
use std::net::IpAddr;
use std::time::{Duration, Instant};
use vagus_actors::connection::ConnectionNames;
use vagus_actors::flood::FAILED_UPGRADES;
use vagus_delivery::wire::{Came, Entrance, WebSocketEnd};
use vagus_protocol::connect::ConnectOptions;
use vagus_protocol::error::CloseReason;
use vagus_websocket::deflate::largest_message;
use vagus_websocket::upgrade::{Cookies, Endpoint, LONGEST_REQUEST, Upgrade, UpgradeRules};

/// How the log calls these clients.
pub(crate) const NAMES: ConnectionNames = ConnectionNames {
    number: "wid",
    ..ConnectionNames::CLIENTS
};

/// What holds for the clients of a listener that speak WebSocket, beside what holds for all clients.
#[derive(Debug, Clone)]
pub struct WebSocketSettings {
    /// Which requests are granted, and what they are answered.
    pub upgrade: UpgradeRules,
    /// How long a client may take for TLS and its request.
    pub handshake_timeout: Duration,
    /// Whether leaf nodes may come by it.
    pub takes_leaf_nodes: bool,
}

/// What a client has said in its request.
#[derive(Debug)]
pub(crate) struct Requested {
    /// What is to be spoken.
    pub(crate) endpoint: Endpoint,
    /// Where it is, by the word of a proxy.
    pub(crate) forwarded_for: Option<IpAddr>,
    cookies: Cookies,
}

impl Requested {
    /// Has the client say in CONNECT what it has not said there, and its cookies do. Of TLS and of keys they say nothing.
    pub(crate) fn complete(&self, options: &mut ConnectOptions) {
        let Cookies {
            jwt,
            user,
            password,
            token,
        } = &self.cookies;
        if self.cookies.is_empty() {
            return;
        }
        let proofs = options.proofs.get_or_insert_default();
        for (said, cookie) in [
            (&mut options.user, user),
            (&mut proofs.jwt, jwt),
            (&mut proofs.pass, password),
            (&mut proofs.auth_token, token),
        ] {
            if said.is_empty() {
                *said = cookie.as_str().into();
            }
        }
        options.has_token = !proofs.auth_token.is_empty();
    }
}

impl Arrival {
    /// TLS, if there is any, and the request; within one time limit.
    pub(crate) async fn upgrade(
        &mut self,
        entrance: &mut Entrance,
        websocket: &WebSocketSettings,
    ) -> Step<Requested> {
        let settings = self.settings.clone();
        let until = Instant::now() + websocket.handshake_timeout;
        if let Some(tls) = &settings.tls {
            self.secure(entrance, tls, websocket.handshake_timeout).await?;
        }
        let upgrade = self.judge(entrance, websocket, until).await?;
        entrance.take(upgrade.length);
        if !entrance.early().is_empty() {
            fail(entrance, "client sent data before handshake is complete");
            return Err(CloseReason::ProtocolViolation.into());
        }
        let answered = entrance.say(&upgrade.answer, until).await;
        answered.map_err(|_| CloseReason::WriteError)?;
        if upgrade.endpoint == Endpoint::LeafNodes && !websocket.takes_leaf_nodes {
            FAILED_UPGRADES.say(format_args!("Not configured to accept leaf node connections"));
            return Err(Refused::told(CloseReason::WrongPort));
        }
        let largest = largest_message(settings.limits.max_payload);
        entrance.speak_websocket(WebSocketEnd::Server, upgrade.terms, largest);
        Ok(Requested {
            endpoint: upgrade.endpoint,
            forwarded_for: upgrade.forwarded_for,
            cookies: upgrade.cookies,
        })
    }

    async fn judge(
        &self,
        entrance: &mut Entrance,
        websocket: &WebSocketSettings,
        until: Instant,
    ) -> Step<Upgrade> {
        let mut judged = 0;
        loop {
            // Looked at once a line, or who sends byte by byte would have it read as often.
            let said = entrance.early();
            let has_come_further = said.len() >= LONGEST_REQUEST || said[judged..].contains(&b'\n');
            judged = said.len();
            let verdict = match has_come_further {
                true => websocket.upgrade.judge(said),
                false => Ok(None),
            };
            match verdict {
                Ok(Some(upgrade)) => return Ok(upgrade),
                Ok(None) => {}
                Err(refusal) => {
                    if refusal.is_logged() {
                        fail(entrance, &refusal.to_string());
                    }
                    // A peer that does not take it is gone all the same.
                    let _ = entrance.say(&refusal.answer(), until).await;
                    return Err(Refused::told(CloseReason::ProtocolViolation));
                }
            }
            match entrance.hear_at_most(LONGEST_REQUEST, until).await {
                Ok(Came::Bytes) => {}
                Ok(Came::End) => return Err(CloseReason::ClientClosed.into()),
                Ok(Came::Nothing) | Err(_) => return Err(CloseReason::ReadError.into()),
            }
        }
    }
}

fn fail(entrance: &Entrance, reason: &str) {
    let peer = entrance.peer();
    FAILED_UPGRADES.say(format_args!("{peer} - websocket handshake error: {reason}"));
}
