//! The wiring of leaf nodes: those that connect to this server, and the hubs that it connects to as one.

use super::cluster::{Described, longest_line, urls, websocket_urls};
use super::websocket::with_port;
use super::{bounds, listen};
use crate::server::StartError;
use actix::prelude::*;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use vagus_actors::ObservedLeafNodes;
use vagus_actors::cluster::ClusterHandle;
use vagus_actors::connection::Surroundings;
use vagus_actors::leafnodes::{HubDialling, LeafNodes, Links, Remote, WantedHub};
use vagus_actors::listener::Listener;
use vagus_actors::monitor::Monitor;
use vagus_actors::placement::Placed;
use vagus_actors::reception::{Door, Reception};
use vagus_actors::reload::Prepared;
use vagus_auth::credentials::{Credentials, Gate};
use vagus_configs::{Config, LeafListener, LeafNodes as LeafNodesConfig, Port, split_advertised};
use vagus_delivery::Live;
use vagus_delivery::arbiter::{Arbiters, DescribesServer, LocalArbiter};
use vagus_delivery::bounds::Bounds;
use vagus_monitoring::Settings;
use vagus_nats::ClientSettings;
use vagus_peer::TRACING_PROTO;
use vagus_peer::leaf::{HubTls, LeafErrand, LeafSettings, LeafTls, Leafs};
use vagus_protocol::leaf::LeafInfo;
use vagus_tls::TlsError;

/// How many links that ended are remembered.
const REMEMBERED_LINKS: usize = 256;

/// Where leaf nodes connect, before any does.
pub(super) struct LeafSocket {
    socket: TcpListener,
    address: SocketAddr,
}

impl LeafSocket {
    /// Listens for leaf nodes, if the configuration says so.
    pub(super) fn listen(config: &Config) -> Result<Option<Self>, StartError> {
        let Some(listener) = &config.leafnodes.listener else {
            return Ok(None);
        };
        let socket = listen(&listener.settings.listen).map_err(StartError::leafnodes)?;
        let address = socket.local_addr()?;
        Ok(Some(Self { socket, address }))
    }

    /// Where it listens; the port is the real one.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// What the links of all arbiters have in common.
#[derive(Clone)]
pub(super) struct LeafParts {
    surroundings: Arc<Surroundings>,
    settings: Arc<Live<LeafSettings>>,
}

impl LeafParts {
    /// The reception of links on this arbiter, whose thread calls; and the door for leaf nodes that come by WebSocket.
    pub(super) fn open_reception(&self, arbiter: LocalArbiter) -> (Recipient<Placed>, Door) {
        let reception = Reception::new(
            Leafs::new(self.settings.clone()),
            arbiter,
            self.surroundings.clone(),
        );
        let door = reception.door();
        (reception.start().recipient(), door)
    }
}

/// Leaf nodes and hubs, before there is a link to any.
pub(super) struct Linking {
    pub(super) parts: LeafParts,
    socket: Option<LeafSocket>,
    links: Arc<Links>,
    hubs: Vec<WantedHub>,
    dialling: HubDialling,
    leafnodes: Addr<LeafNodes>,
    websocket_address: Option<SocketAddr>,
}

/// The actors of links, as the outside reaches them.
pub(crate) struct RunningLinks {
    /// Where leaf nodes connect, if they may.
    pub(crate) address: Option<SocketAddr>,
    pub(crate) leafnodes: Addr<LeafNodes>,
    pub(crate) links: Addr<Monitor>,
    pub(crate) all: Arc<Links>,
}

impl Linking {
    /// Prepares for what the configuration says. `clients` is what is shared by clients.
    pub(super) fn prepare(
        (socket, websocket_address): (Option<LeafSocket>, Option<SocketAddr>),
        config: &Config,
        (clients, arbiters): (&Arc<Surroundings>, &Arc<Arbiters>),
        client_settings: &Arc<Live<ClientSettings>>,
        cluster: Option<ClusterHandle>,
    ) -> Result<Self, StartError> {
        let links = Arc::<Links>::default();
        let address = socket.as_ref().map(LeafSocket::address);
        let addresses = (address, websocket_address);
        let described = Arc::new(Described(client_settings.clone()));
        let settings = leaf_settings(
            config,
            addresses,
            &client_settings.current().0,
            (links.clone(), cluster, described),
        )?;
        let surroundings = Surroundings {
            accounts: clients.accounts.clone(),
            monitor: Monitor::new(REMEMBERED_LINKS).start(),
            bounds: Arc::new(Live::new(leaf_bounds(config))),
            slow_work: clients.slow_work.clone(),
            events: clients.events.clone(),
            are_counted: false,
        };
        Ok(Self {
            parts: LeafParts {
                surroundings: Arc::new(surroundings),
                settings: Arc::new(Live::new(settings)),
            },
            socket,
            leafnodes: LeafNodes::new(links.clone(), arbiters.clone()).start(),
            links,
            hubs: hubs_of(&config.leafnodes)?,
            dialling: dialling_of(config),
            websocket_address,
        })
    }

    /// Accepts leaf nodes, and connects to hubs.
    pub(super) fn begin(
        self,
        receptions: Vec<Recipient<Placed>>,
        arbiters: &Arc<Arbiters>,
    ) -> Result<RunningLinks, StartError> {
        let address = self.socket.as_ref().map(LeafSocket::address);
        if let Some(LeafSocket { socket, address }) = self.socket {
            log::info!("Listening for leafnode connections on {address}");
            Listener::new(socket, receptions.clone(), arbiters.clone())?.start();
        }
        LeafNodes::begin(&self.leafnodes, receptions);
        LeafNodes::adopt(&self.leafnodes, self.hubs, self.dialling);
        Ok(RunningLinks {
            address,
            leafnodes: self.leafnodes,
            links: self.parts.surroundings.monitor.clone(),
            all: self.links,
        })
    }

    /// Whom to ask about links.
    pub(super) fn observed(&self) -> ObservedLeafNodes {
        ObservedLeafNodes {
            links: self.parts.surroundings.monitor.clone(),
            hubs: self.leafnodes.clone(),
        }
    }

    /// What sets them otherwise while the server runs.
    pub(super) fn reloading(&self) -> LeafReload {
        LeafReload {
            settings: self.parts.settings.clone(),
            bounds: self.parts.surroundings.bounds.clone(),
            monitor: self.parts.surroundings.monitor.clone(),
            address: self.socket.as_ref().map(LeafSocket::address),
            websocket_address: self.websocket_address,
        }
    }
}

/// Sets links otherwise while the server runs.
pub(crate) struct LeafReload {
    settings: Arc<Live<LeafSettings>>,
    bounds: Arc<Live<Bounds>>,
    monitor: Addr<Monitor>,
    address: Option<SocketAddr>,
    websocket_address: Option<SocketAddr>,
}

impl LeafReload {
    /// Makes everything ready that may fail. `clients` is what clients are going to go by.
    pub(crate) fn prepare(
        &self,
        config: &Config,
        clients: &ClientSettings,
        leafnodes: &Addr<LeafNodes>,
    ) -> Result<Prepared, StartError> {
        let before = self.settings.current().0;
        let parts = (
            before.links.clone(),
            before.cluster.clone(),
            before.server.clone(),
        );
        let settings = leaf_settings(config, (self.address, self.websocket_address), clients, parts)?;
        let (hubs, dialling, bounds) = (
            hubs_of(&config.leafnodes)?,
            dialling_of(config),
            leaf_bounds(config),
        );
        let (live_settings, live_bounds) = (self.settings.clone(), self.bounds.clone());
        let (monitor, leafnodes) = (self.monitor.clone(), leafnodes.clone());
        Ok(Box::new(move || {
            live_bounds.replace(Arc::new(bounds));
            live_settings.replace(Arc::new(settings));
            Monitor::tell_settings_changed(&monitor);
            LeafNodes::adopt(&leafnodes, hubs, dialling);
        }))
    }
}

/// The hubs of the configuration, with what TLS with them takes: certificates are read.
fn hubs_of(leafnodes: &LeafNodesConfig) -> Result<Vec<WantedHub>, TlsError> {
    let hub = |remote: &vagus_configs::LeafRemote| {
        let tls = HubTls::new(remote)?;
        if tls.is_insecure() {
            log::warn!(
                "TLS certificate chain and hostname of solicited leafnodes will not be verified. DO NOT USE IN PRODUCTION!"
            );
        }
        let remote = Arc::new(Remote::new(remote.clone()));
        let errand = LeafErrand {
            remote: remote.clone(),
            tls: Arc::new(tls),
        };
        Ok(WantedHub {
            remote,
            errand: Arc::new(errand),
        })
    };
    leafnodes.remotes.iter().map(hub).collect()
}

fn dialling_of(config: &Config) -> HubDialling {
    HubDialling {
        reconnect: config.leafnodes.reconnect,
        timeout: config.leafnodes.dial_timeout,
        connect_error_reports: config.logging.connect_error_reports,
        reconnect_error_reports: config.logging.reconnect_error_reports,
    }
}

/// What is held to of all links, whatever is said on them.
fn leaf_bounds(config: &Config) -> Bounds {
    let leafnodes = &config.leafnodes;
    Bounds {
        longest_line: longest_line(config),
        write_deadline: leafnodes.write_deadline.unwrap_or(config.limits.write_deadline),
        write_timeout: leafnodes.write_timeout,
        ..bounds(&config.limits)
    }
}

/// What all links go by: certificates are read, and who may connect is compiled.
fn leaf_settings(
    config: &Config,
    (address, websocket_address): (Option<SocketAddr>, Option<SocketAddr>),
    clients: &ClientSettings,
    (links, cluster, server): (Arc<Links>, Option<ClusterHandle>, Arc<dyn DescribesServer>),
) -> Result<LeafSettings, StartError> {
    let usual = LeafListener::default();
    let listener = config.leafnodes.listener.as_ref().unwrap_or(&usual);
    let settings = &listener.settings;
    let tls = settings.tls.as_ref().map(LeafTls::new).transpose()?;
    for weakness in tls.iter().flat_map(LeafTls::weaknesses) {
        log::warn!("{weakness}");
    }
    let mut with_real_port = config.clone();
    with_port(&mut with_real_port, websocket_address);
    Ok(LeafSettings {
        info: LeafInfo {
            ws_connect_urls: websocket_urls(&with_real_port),
            ..leaf_info(listener, address, clients, tls.as_ref())
        },
        gate: match &settings.credentials {
            // Who leaf nodes are is not said here: then they are users as clients are.
            Credentials::Open => clients.gate.clone(),
            credentials => Arc::new(Gate::new(credentials.clone())?),
        },
        account: listener.account.clone(),
        tls: tls.map(Arc::new),
        compression: listener.compression.clone(),
        min_version: listener.min_version.clone(),
        isolates: config.leafnodes.isolates,
        auth_timeout: settings.auth_timeout,
        ping_interval: config.limits.ping_interval,
        ping_max: config.limits.ping_max,
        max_line: longest_line(config),
        max_message: config.limits.max_payload,
        max_subscriptions: Some(config.limits.max_subscriptions).filter(|most| *most != 0),
        accounts: clients.accounts.clone(),
        claimed_accounts: clients.claimed_accounts.clone(),
        links,
        cluster,
        server,
    })
}

/// What leaf nodes are told of this server, and hubs as far as it is told to them.
fn leaf_info(
    listener: &LeafListener,
    address: Option<SocketAddr>,
    clients: &ClientSettings,
    tls: Option<&LeafTls>,
) -> LeafInfo {
    let LeafListener { settings, .. } = listener;
    let port = address.map_or_else(|| settings.listen.port.to_bind(), |address| address.port());
    let (host, port) = match &settings.advertise {
        Some(address) => {
            let (host, advertised) = split_advertised(address);
            (
                host.to_owned(),
                advertised.filter(|port| *port != 0).unwrap_or(port),
            )
        }
        None => (settings.listen.host.clone(), port),
    };
    let own_url = urls(&settings.listen.host, settings.advertise.as_ref(), port);
    let own_url = own_url
        .into_iter()
        .next()
        .unwrap_or_else(|| format!("{host}:{port}"));
    let info = &clients.info;
    LeafInfo {
        server_id: info.server_id.clone(),
        server_name: info.server_name.clone(),
        version: info.version.clone(),
        proto: TRACING_PROTO,
        git_commit: info.git_commit.clone(),
        go: info.go.clone(),
        host,
        port: port.into(),
        headers: info.headers,
        auth_required: true,
        tls_required: tls.is_some(),
        tls_verify: tls.is_some_and(LeafTls::verifies),
        max_payload: i64::try_from(info.max_payload).unwrap_or(i64::MAX),
        jetstream: info.jetstream,
        domain: info.domain.clone(),
        api_lvl: info.api_level,
        info_on_connect: true,
        ip: own_url.clone(),
        leafnode_urls: vec![own_url],
        ..LeafInfo::default()
    }
}

/// Has what is shown of the server say which port it is.
pub(super) fn show(address: Option<SocketAddr>, shown: &Live<Settings>) {
    shown.update(|now| {
        let mut settings = now.clone();
        with_leaf_port(&mut settings.config, address);
        settings
    });
}

/// The configuration, with the port that it was given where it asked for any.
pub(super) fn with_leaf_port(config: &mut Config, address: Option<SocketAddr>) {
    if let (Some(listener), Some(address)) = (&mut config.leafnodes.listener, address) {
        listener.settings.listen.port = Port::Fixed(address.port());
    }
}
