//! Where everybody connects, before anybody does.

use super::cluster::RouteSocket;
use super::gateways::{GatewayEntry, GatewaySocket};
use super::leafnodes::LeafSocket;
use super::listen;
use super::websocket::WebSocketSocket;
use crate::admin::MonitoringSockets;
use crate::reload::Setup;
use crate::server::StartError;
use std::net::{SocketAddr, TcpListener};
use vagus_configs::Config;

/// All sockets of a server.
pub(super) struct Sockets {
    pub(super) clients: TcpListener,
    pub(super) client_address: SocketAddr,
    pub(super) websocket: Option<WebSocketSocket>,
    /// Of other servers of the cluster.
    pub(super) routes: Option<RouteSocket>,
    pub(super) leafnodes: Option<LeafSocket>,
    /// Of other clusters.
    pub(super) gateway: Option<GatewayEntry>,
    pub(super) monitoring: MonitoringSockets,
}

impl Sockets {
    /// Listens wherever the configuration says.
    pub(super) fn listen(config: &Config, setup: &Setup) -> Result<Self, StartError> {
        let clients = listen(&config.clients.listen)?;
        Ok(Self {
            client_address: clients.local_addr()?,
            clients,
            websocket: WebSocketSocket::listen(config)?,
            routes: RouteSocket::listen(config)?,
            leafnodes: LeafSocket::listen(config)?,
            gateway: GatewaySocket::listen(config)?,
            monitoring: MonitoringSockets::listen(config, setup.log.clone())?,
        })
    }
}
