//! The wiring of a listener for clients that speak WebSocket: what they say then is what all clients say, in one place.

use super::listen;
use crate::certificates::{Occasion, make_ready, not_after};
use crate::server::StartError;
use actix::prelude::*;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use vagus_actors::connection::Surroundings;
use vagus_actors::listener::Listener;
use vagus_actors::placement::Placed;
use vagus_actors::reception::{Door, Reception};
use vagus_auth::credentials::{ConnectionType, Gate};
use vagus_configs::{Config, Port, WebSocket, WebSocketLogin};
use vagus_delivery::Live;
use vagus_delivery::arbiter::{Arbiters, LocalArbiter};
use vagus_monitoring::Settings;
use vagus_nats::{ClientSettings, Nats, WebSocketSettings};

/// Where these clients connect, before any does.
pub(super) struct WebSocketSocket {
    socket: TcpListener,
    address: SocketAddr,
}

impl WebSocketSocket {
    /// Listens for them, if the configuration says so.
    pub(super) fn listen(config: &Config) -> Result<Option<Self>, StartError> {
        let Some(websocket) = &config.websocket else {
            return Ok(None);
        };
        let socket = listen(&websocket.listen).map_err(StartError::websocket)?;
        let address = socket.local_addr()?;
        Ok(Some(Self { socket, address }))
    }

    /// Where it listens; the port is the real one.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts them, once the server has `settled`.
    pub(super) fn begin(
        self,
        parts: &WebSocketParts,
        receptions: Vec<Recipient<Placed>>,
        arbiters: &Arc<Arbiters>,
        settled: impl Future<Output = ()> + 'static,
    ) -> Result<Addr<Listener>, StartError> {
        let settings = parts.settings.clone();
        let expects_handshakes = move || settings.current().0.tls.is_some();
        Ok(Listener::new(self.socket, receptions, arbiters.clone())?
            .expecting_handshakes(expects_handshakes)
            .opening_after(settled)
            .start())
    }
}

/// What these clients of all arbiters have in common.
#[derive(Clone)]
pub(crate) struct WebSocketParts {
    pub(crate) settings: Arc<Live<ClientSettings>>,
    pub(crate) address: SocketAddr,
}

impl WebSocketParts {
    /// What they go by at the start, where `clients` is what all others do.
    pub(super) fn prepare(
        socket: &WebSocketSocket,
        config: &Config,
        clients: &ClientSettings,
    ) -> Result<Option<Self>, StartError> {
        let address = socket.address;
        let settings = settings_of(config, clients, (address, None))?;
        Ok(settings.map(|settings| Self {
            settings: Arc::new(Live::new(settings)),
            address,
        }))
    }

    /// What they are to go by, where `clients` is what all others are to.
    pub(crate) fn prepare_anew(
        &self,
        config: &Config,
        clients: &ClientSettings,
    ) -> Result<Option<ClientSettings>, StartError> {
        let (before, _) = self.settings.current();
        settings_of(config, clients, (self.address, Some(&before)))
    }

    /// Their reception on this arbiter, whose thread calls. Leaf nodes are let in by this door.
    pub(super) fn open_reception(
        &self,
        arbiter: LocalArbiter,
        surroundings: &Arc<Surroundings>,
        leaf_nodes: Door,
    ) -> Recipient<Placed> {
        Reception::new(Nats::new(self.settings.clone()), arbiter, surroundings.clone())
            .sending_on_to(leaf_nodes)
            .start()
            .recipient()
    }
}

/// Reads the certificates, and compiles who may come in.
fn settings_of(
    config: &Config,
    clients: &ClientSettings,
    (address, before): (SocketAddr, Option<&ClientSettings>),
) -> Result<Option<ClientSettings>, StartError> {
    let Some(websocket) = &config.websocket else {
        return Ok(None);
    };
    let occasion = match before {
        Some(_) => Occasion::Reload,
        None => Occasion::Start,
    };
    let tls = make_ready(
        websocket.tls.as_ref(),
        before.and_then(|before| before.tls.as_deref()),
        occasion,
    )?;
    let gate = match &websocket.login {
        WebSocketLogin::AsOthers => clients.gate.clone(),
        _ => {
            let gate = Gate::new(websocket.credentials(config))?;
            Arc::new(gate.requiring_proxy(config.clients.requires_proxy))
        }
    };
    let mut settings = clients.clone();
    let info = &mut settings.info;
    info.host.clone_from(&websocket.listen.host);
    info.port = address.port();
    // As in nats-server, a certificate is not asked for in INFO, and TLS is there or not.
    (info.tls_required, info.tls_available, info.tls_verify) = (tls.is_some(), tls.is_some(), false);
    info.auth_required = gate.requires_login() || config.clients.callout.is_some();
    info.connect_urls = before.map_or_else(Vec::new, |before| before.info.connect_urls.clone());
    settings.gate = gate;
    settings.tls = tls;
    settings.connection = ConnectionType::WebSocket;
    settings.auth_timeout = websocket.auth_timeout.unwrap_or(config.clients.auth_timeout);
    settings.proxy_protocol = false;
    settings.limits.ping_interval = websocket.ping_interval.unwrap_or(config.limits.ping_interval);
    settings.websocket = Some(Arc::new(WebSocketSettings {
        upgrade: websocket.upgrade.clone(),
        handshake_timeout: websocket.time_to_upgrade(),
        takes_leaf_nodes: config.leafnodes.listener.is_some(),
    }));
    Ok(Some(settings))
}

/// Has what is shown of the server say what is not in its configuration: the port, and when the certificate ends.
pub(super) fn show(parts: &WebSocketParts, shown: &Live<Settings>) {
    let tls = parts.settings.current().0.tls.clone();
    shown.update(|now| {
        let mut settings = now.clone();
        with_port(&mut settings.config, Some(parts.address));
        settings.websocket_not_after = tls.as_deref().and_then(not_after);
        settings
    });
}

/// The configuration, with the port that it was given where it asked for any.
pub(super) fn with_port(config: &mut Config, address: Option<SocketAddr>) {
    if let (Some(WebSocket { listen, .. }), Some(address)) = (&mut config.websocket, address) {
        listen.port = Port::Fixed(address.port());
    }
}
