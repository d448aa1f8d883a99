//! What is spoken on every arbiter.

use super::arbiters::on_arbiter;
use super::cluster::RouteParts;
use super::gateways::GatewayParts;
use super::leafnodes::LeafParts;
use super::websocket::WebSocketParts;
use actix::prelude::*;
use std::io;
use std::sync::Arc;
use vagus_actors::connection::Surroundings;
use vagus_actors::placement::Placed;
use vagus_actors::reception::Reception;
use vagus_delivery::Live;
use vagus_delivery::arbiter::{Arbiters, LocalArbiter};
use vagus_nats::{ClientSettings, Nats};

/// Where connections placed on one arbiter become actors.
pub(super) struct Receptions {
    pub(super) clients: Recipient<Placed>,
    /// Clients that speak WebSocket, if any may.
    pub(super) websocket: Option<Recipient<Placed>>,
    /// If there is a cluster.
    pub(super) routes: Option<Recipient<Placed>>,
    pub(super) links: Recipient<Placed>,
    /// If there are other clusters.
    pub(super) gateways: Option<Recipient<Placed>>,
}

/// What is spoken on every arbiter.
#[derive(Clone)]
pub(super) struct Languages {
    pub(super) surroundings: Arc<Surroundings>,
    pub(super) client_settings: Arc<Live<ClientSettings>>,
    pub(super) websocket: Option<WebSocketParts>,
    pub(super) routes: Option<RouteParts>,
    pub(super) links: LeafParts,
    pub(super) gateways: Option<GatewayParts>,
}

impl Languages {
    /// The receptions of an arbiter, on its own thread.
    pub(super) fn open_receptions(&self, arbiter: LocalArbiter) -> Receptions {
        let routes = self.routes.as_ref();
        let gateways = self.gateways.as_ref();
        let websocket = self.websocket.as_ref();
        let clients = Nats::new(self.client_settings.clone());
        let (links, leaf_nodes) = self.links.open_reception(arbiter.clone());
        Receptions {
            routes: routes.map(|routes| routes.open_reception(arbiter.clone())),
            links,
            gateways: gateways.map(|gateways| gateways.open_reception(arbiter.clone())),
            websocket: websocket
                .map(|websocket| websocket.open_reception(arbiter.clone(), &self.surroundings, leaf_nodes)),
            clients: Reception::new(clients, arbiter, self.surroundings.clone())
                .start()
                .recipient(),
        }
    }
}

/// The receptions of an arbiter that is not the first: on a thread that is made for it.
pub(super) fn open_elsewhere(
    number: usize,
    arbiters: &Arc<Arbiters>,
    languages: &Languages,
) -> io::Result<Receptions> {
    let spoken = languages.clone();
    on_arbiter(number, arbiters, &languages.surroundings, move |arbiter| {
        spoken.open_receptions(arbiter)
    })
}
