//! The section `websocket`: where clients connect that speak it, most of them browsers.

use super::absent;
use super::findings::Findings;
use super::listener::Section;
use super::read::set;
use crate::grammar::{Entry, Kind, Map};
use crate::{Config, Listen, ListenerSettings, WebSocket, WebSocketLogin};
use std::time::Duration;
use vagus_auth::credentials::Credentials;
use vagus_websocket::upgrade::{Origin, may_be_added};

/// What a file says of it, until all of it is read.
#[derive(Default)]
pub(super) struct WebSocketSection<'e>(Option<(&'e Entry, &'e Map)>);

impl<'e> WebSocketSection<'e> {
    pub(super) fn take(&mut self, key: &str, entry: &'e Entry, findings: &mut Findings) -> bool {
        if !matches!(key, "websocket" | "ws") {
            return false;
        }
        if let Some(section) = findings.map(entry) {
            self.0 = Some((entry, section));
        }
        true
    }

    /// What was said, once the whole file was read. None if it does not listen, as in nats-server.
    pub(super) fn settle(self, config: &Config, findings: &mut Findings) -> Option<WebSocket> {
        let (entry, section) = self.0?;
        let read = read(section, config, findings);
        if !section.entries().iter().any(listens) {
            if !section.is_empty() {
                let message = format!("{} changes nothing: it does not say where to listen", entry.key);
                findings.note(Some(entry), message);
            }
            return None;
        }
        if read.tls.is_none() && !read.no_tls {
            findings.obstacle(entry, "websocket requires TLS configuration");
        }
        Some(read)
    }
}

/// Whether an entry says where to listen.
fn listens(entry: &Entry) -> bool {
    match entry.key.to_lowercase().as_str() {
        "listen" => true,
        "port" => !matches!(entry.value.kind, Kind::Integer(0)),
        _ => false,
    }
}

fn read(section: &Map, config: &Config, findings: &mut Findings) -> WebSocket {
    let mut websocket = WebSocket::at(Listen::default());
    let mut listener = Section::of(ListenerSettings::default(), "advertise");
    let upgrade = &mut websocket.upgrade;
    for entry in section.entries() {
        let text = |findings: &mut Findings| findings.optional_text(entry).flatten();
        match entry.key.to_lowercase().as_str() {
            "no_tls" => set(&mut websocket.no_tls, findings.boolean(entry)),
            "same_origin" => set(&mut upgrade.origins.same, findings.boolean(entry)),
            "allowed_origins" | "allowed_origin" | "allow_origins" | "allow_origin" | "origins"
            | "origin" => {
                websocket.allowed_origins = origins(entry, findings);
                let parsed = websocket.allowed_origins.iter();
                upgrade.origins.allowed = parsed.filter_map(|origin| Origin::parse(origin)).collect();
            }
            "handshake_timeout" => websocket.handshake_timeout = findings.seconds(entry),
            "compress" | "compression" => set(&mut upgrade.compresses, findings.boolean(entry)),
            "jwt_cookie" => {
                upgrade.cookies.jwt = text(findings);
                if upgrade.cookies.jwt.is_some() && config.operators.is_none() {
                    let message =
                        "trusted operators configuration is required for authentication by jwt_cookie";
                    findings.obstacle(entry, message);
                }
            }
            "user_cookie" => upgrade.cookies.user = text(findings),
            "pass_cookie" => upgrade.cookies.password = text(findings),
            "token_cookie" => upgrade.cookies.token = text(findings),
            "headers" => upgrade.headers = headers(entry, findings),
            "ping_interval" => websocket.ping_interval = findings.duration(entry),
            "authorization" | "authentication" => {
                let (login, timeout) = authorization(entry, config, findings);
                websocket.auth_timeout = timeout;
                if login != WebSocketLogin::AsOthers {
                    websocket.login = login;
                }
            }
            "no_auth_user" => {
                if let Some(name) = text(findings)
                    && is_user(entry, &name, config, findings)
                {
                    websocket.login = WebSocketLogin::NoAuthUser(name);
                }
            }
            key if listener.take(key, entry, findings) => {}
            key => absent::refuse(key, entry, &absent::NOTHING, findings),
        }
    }
    // Who connects speaks TLS, if there is TLS, from the start.
    let beside_tls = config.beside_tls.without_exceptions();
    let ListenerSettings {
        listen,
        advertise,
        tls,
        ..
    } = listener.settle(&beside_tls, config.store_dir.as_deref(), findings);
    websocket.upgrade.is_secure = tls.is_some();
    WebSocket {
        listen,
        advertise,
        tls,
        ..websocket
    }
}

/// One origin or several, each of which has to be of the web.
fn origins(entry: &Entry, findings: &mut Findings) -> Vec<String> {
    let origins = match &entry.value.kind {
        Kind::Text(origin) => Some(vec![origin.clone()]),
        _ => findings.texts(entry),
    };
    let origins = origins.unwrap_or_default();
    for origin in &origins {
        if !Origin::parse(origin).is_some_and(|origin| origin.is_of_http()) {
            let message = format!(
                "{} must hold URLs such as \"https://host:port\", not {origin:?}",
                entry.key
            );
            findings.obstacle(entry, message);
        }
    }
    origins
}

/// What is said in answers: names and texts.
fn headers(entry: &Entry, findings: &mut Findings) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for header in findings.map(entry).into_iter().flat_map(Map::entries) {
        let Some(value) = findings.text(header) else {
            continue;
        };
        match may_be_added(&header.key, value) {
            true => headers.push((header.key.clone(), value.to_owned())),
            false => {
                let message = format!("websocket: invalid header {:?} not allowed", header.key);
                findings.obstacle(header, message);
            }
        }
    }
    headers
}

/// One user or one token, and how long logging in may take.
fn authorization(
    entry: &Entry,
    config: &Config,
    findings: &mut Findings,
) -> (WebSocketLogin, Option<Duration>) {
    let (mut user, mut password, mut token, mut timeout) = (None, None, None, None);
    for entry in findings.map(entry).into_iter().flat_map(Map::entries) {
        match entry.key.to_lowercase().as_str() {
            "user" | "username" => user = findings.optional_text(entry).flatten(),
            "pass" | "password" => password = findings.optional_text(entry).flatten(),
            "token" => token = findings.optional_text(entry).flatten(),
            "timeout" => timeout = findings.seconds(entry),
            key => absent::refuse(key, entry, &absent::NOTHING, findings),
        }
    }
    let login = match (user, token) {
        (Some(_), Some(_)) => {
            let message = "authorization is by user and password or by token, not by both";
            findings.problem(entry, message);
            WebSocketLogin::AsOthers
        }
        (Some(name), None) => WebSocketLogin::User {
            name,
            password: password.unwrap_or_default(),
        },
        (None, Some(token)) => WebSocketLogin::Token(token),
        (None, None) => WebSocketLogin::AsOthers,
    };
    if login != WebSocketLogin::AsOthers && matches!(config.clients.credentials, Credentials::Users { .. }) {
        let message =
            "websocket authentication by one user or token is not compatible with presence of users/nkeys";
        findings.obstacle(entry, message);
    }
    (login, timeout)
}

/// Whether there is a user of this name or key.
fn is_user(entry: &Entry, name: &str, config: &Config, findings: &mut Findings) -> bool {
    let message = match &config.clients.credentials {
        Credentials::Users { users, .. } if users.iter().any(|user| user.proof.name() == name) => {
            return true;
        }
        Credentials::Users { .. } => format!("no_auth_user: {name:?} is none of the users"),
        Credentials::Claims => "no_auth_user not compatible with Trusted Operator".to_owned(),
        _ => "no_auth_user must be one of users, and there are none".to_owned(),
    };
    findings.obstacle(entry, message);
    false
}
