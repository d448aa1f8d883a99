//! Where clients connect that speak WebSocket.

use crate::Settings;
use crate::units::{Decimal, Nanoseconds, Time};
use serde::Serialize;
use vagus_configs::{WebSocket, WebSocketLogin};

/// How that is set, as nats-server shows it: an empty object where there is none.
#[derive(Serialize, Default)]
pub(super) struct WebSocketSection<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    host: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advertise: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_auth_user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_cookie: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handshake_timeout: Option<Nanoseconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_timeout: Option<Decimal>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    no_tls: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_map: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tls_pinned_certs: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    same_origin: bool,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    allowed_origins: &'a [String],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    compression: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_ocsp_peer_verify: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_cert_not_after: Option<Time>,
}

impl<'a> WebSocketSection<'a> {
    pub(super) fn of(settings: &'a Settings) -> Self {
        let Some(websocket) = &settings.config.websocket else {
            return Self::default();
        };
        let WebSocket {
            listen,
            advertise,
            tls,
            no_tls,
            upgrade,
            allowed_origins,
            handshake_timeout,
            ping_interval: _,
            login,
            auth_timeout,
        } = websocket;
        let tls = tls.as_ref();
        let pins = tls.into_iter().flat_map(|tls| &tls.pinned_certs);
        Self {
            host: &listen.host,
            port: Some(listen.port.to_bind()),
            advertise: advertise.as_deref(),
            no_auth_user: match login {
                WebSocketLogin::NoAuthUser(name) => Some(name),
                _ => None,
            },
            jwt_cookie: upgrade.cookies.jwt.as_deref(),
            handshake_timeout: handshake_timeout.map(Nanoseconds),
            auth_timeout: auth_timeout.map(|timeout| Decimal(timeout.as_secs_f64())),
            no_tls: *no_tls,
            tls_map: tls.is_some_and(|tls| tls.verify_and_map),
            tls_pinned_certs: pins.map(ToString::to_string).collect(),
            same_origin: upgrade.origins.same,
            allowed_origins,
            compression: upgrade.compresses,
            tls_ocsp_peer_verify: tls
                .and_then(|tls| tls.ocsp_peer.as_ref())
                .is_some_and(|ocsp| ocsp.verify),
            tls_cert_not_after: settings.websocket_not_after.map(Time),
        }
    }
}
