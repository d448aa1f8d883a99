//! The wiring of a server whose cluster is connected to others.

use super::cluster::{Described, longest_line, urls};
use super::{PreparedPeers, bounds, listen};
use crate::certificates::Occasion;
use crate::server::StartError;
use crate::stapling;
use actix::prelude::*;
use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use vagus_actors::ObservedGateways;
use vagus_actors::cluster::ClusterHandle;
use vagus_actors::connection::Surroundings;
use vagus_actors::connection_events::ConnectionEvents;
use vagus_actors::gateways::{Clusters, GatewayDialling, Gateways, RemoteCluster};
use vagus_actors::listener::Listener;
use vagus_actors::monitor::Monitor;
use vagus_actors::placement::Placed;
use vagus_actors::reception::Reception;
use vagus_auth::credentials::{Credentials, Gate};
use vagus_configs::{Config, Gateway, GatewayRemote, Port, split_advertised};
use vagus_delivery::Live;
use vagus_delivery::arbiter::{Arbiters, DescribesServer, LocalArbiter};
use vagus_delivery::bounds::Bounds;
use vagus_delivery::wire::Errand;
use vagus_monitoring::Settings;
use vagus_nats::ClientSettings;
use vagus_peer::gateway::{
    GatewayErrand, GatewaySettings, Gateways as GatewayLanguage, OwnCluster, RemoteTls,
};
use vagus_peer::{RouteTls, TRACING_PROTO};
use vagus_protocol::gateway::GatewayInfo;
use vagus_protocol::info::Info;
use vagus_tls::ocsp::Staple;

/// How many connections that ended are remembered.
const REMEMBERED_CONNECTIONS: usize = 256;

/// Servers of other clusters are asked no less often whether they are there.
const LONGEST_PING_INTERVAL: Duration = Duration::from_secs(15);

const INSECURE: &str = "TLS certificate chain and hostname of solicited gateways will not be verified. DO NOT USE IN PRODUCTION!";

/// How TLS is spoken on gateway connections, if it is.
#[derive(Clone, Default)]
struct GatewayTls {
    of_all: Option<Arc<RouteTls>>,
    /// With the clusters of which the configuration says it.
    of_remotes: HashMap<String, Arc<RemoteTls>>,
}

impl GatewayTls {
    /// Reads the certificates, and has their authorities asked about them, unless that is known of `before`.
    fn prepare(gateway: &Gateway, before: &Self, occasion: Occasion) -> Result<Self, StartError> {
        let hosts = gateway.remotes.iter().flat_map(|remote| &remote.urls);
        let hosts = hosts.map(|url| &*url.host);
        let of_all = gateway
            .listener
            .tls
            .as_ref()
            .map(|settings| RouteTls::new(settings, hosts, before.of_all.as_deref()))
            .transpose()?;
        let mut tls = Self {
            of_all: of_all.map(Arc::new),
            of_remotes: HashMap::new(),
        };
        for remote in &gateway.remotes {
            if let Some(settings) = &remote.tls {
                let before = before.of_remotes.get(&remote.name);
                let of_remote = RemoteTls::new(settings, before.map(|before| &**before))?;
                tls.of_remotes.insert(remote.name.clone(), Arc::new(of_remote));
            }
        }
        let of_all = tls.of_all.iter().map(|tls| tls.is_insecure());
        let of_remotes = tls.of_remotes.values().map(|tls| tls.is_insecure());
        for _ in of_all.chain(of_remotes).filter(|is_insecure| *is_insecure) {
            log::warn!("{INSECURE}");
        }
        stapling::prepare(&tls.staples(), occasion)?;
        Ok(tls)
    }

    /// What authorities say of the certificates.
    fn staples(&self) -> Vec<Arc<Staple>> {
        let of_all = self.of_all.iter().flat_map(|tls| tls.staples());
        let of_remotes = self.of_remotes.values().flat_map(|tls| tls.staples());
        of_all.chain(of_remotes).cloned().collect()
    }
}

/// Where servers of other clusters connect, before it is known who this one is.
pub(super) struct GatewayEntry {
    socket: TcpListener,
    address: SocketAddr,
    tls: GatewayTls,
}

/// Where servers of other clusters connect, before any does.
pub(super) struct GatewaySocket {
    entry: GatewayEntry,
    own: OwnCluster,
}

impl GatewaySocket {
    /// Listens for servers of other clusters, if there are any.
    pub(super) fn listen(config: &Config) -> Result<Option<GatewayEntry>, StartError> {
        let Some(gateway) = &config.gateway else {
            return Ok(None);
        };
        let socket = listen(&gateway.listener.listen).map_err(StartError::gateway)?;
        let address = socket.local_addr()?;
        Ok(Some(GatewayEntry {
            socket,
            address,
            tls: GatewayTls::prepare(gateway, &GatewayTls::default(), Occasion::Start)?,
        }))
    }

    /// The same, of this server. `info` is what clients are told of it.
    pub(super) fn of_server(entry: GatewayEntry, config: &Config, info: &Info) -> Option<Self> {
        let gateway = config.gateway.as_ref()?;
        let clusters = Clusters::new(gateway_info(gateway, info, entry.address));
        Some(Self {
            entry,
            own: OwnCluster::new(&gateway.name, &info.server_id, Arc::new(clusters)),
        })
    }

    /// Where it listens; the port is the real one.
    pub(super) fn address(&self) -> SocketAddr {
        self.entry.address
    }

    /// The server among others of its cluster and other clusters.
    pub(super) fn own(&self) -> &OwnCluster {
        &self.own
    }
}

/// What the gateway connections of all arbiters have in common.
#[derive(Clone)]
pub(super) struct GatewayParts {
    surroundings: Arc<Surroundings>,
    settings: Arc<Live<GatewaySettings>>,
}

impl GatewayParts {
    /// The reception of gateway connections on this arbiter, whose thread calls.
    pub(super) fn open_reception(&self, arbiter: LocalArbiter) -> Recipient<Placed> {
        Reception::new(
            GatewayLanguage::new(self.settings.clone()),
            arbiter,
            self.surroundings.clone(),
        )
        .start()
        .recipient()
    }
}

/// Other clusters, before there is a connection to any.
pub(super) struct Bridging {
    pub(super) parts: GatewayParts,
    socket: GatewaySocket,
    remotes: Vec<GatewayRemote>,
    rejects_unknown: bool,
    is_advertised: bool,
    dialling: GatewayDialling,
}

/// The actors of gateway connections, as the outside reaches them.
pub(crate) struct RunningGateways {
    pub(crate) address: SocketAddr,
    pub(crate) gateways: Addr<Gateways>,
    pub(crate) connections: Addr<Monitor>,
    pub(crate) clusters: Arc<Clusters>,
}

impl Bridging {
    /// Prepares for what the configuration says. `clients` is what is shared by clients.
    pub(super) fn prepare(
        socket: GatewaySocket,
        config: &Config,
        clients: &Arc<Surroundings>,
        (client_settings, cluster): (&Arc<Live<ClientSettings>>, Option<ClusterHandle>),
    ) -> Result<Option<Self>, StartError> {
        let Some(gateway) = &config.gateway else {
            return Ok(None);
        };
        clients.accounts.map_replies(socket.own.reply_prefix());
        let described = Arc::new(Described(client_settings.clone()));
        let parts = (socket.own.clone(), cluster, described as Arc<dyn DescribesServer>);
        let settings = gateway_settings(config, gateway, socket.entry.tls.clone(), parts)?;
        let surroundings = Surroundings {
            accounts: clients.accounts.clone(),
            monitor: Monitor::new(REMEMBERED_CONNECTIONS).start(),
            bounds: Arc::new(Live::new(gateway_bounds(config, gateway))),
            slow_work: clients.slow_work.clone(),
            events: ConnectionEvents::default(),
            are_counted: false,
        };
        Ok(Some(Self {
            parts: GatewayParts {
                surroundings: Arc::new(surroundings),
                settings: Arc::new(Live::new(settings)),
            },
            socket,
            remotes: gateway.remotes.clone(),
            rejects_unknown: gateway.rejects_unknown,
            is_advertised: gateway.listener.advertise.is_some(),
            dialling: dialling_of(config, gateway),
        }))
    }

    /// What authorities say of the certificates of gateway connections.
    pub(super) fn staples(&self) -> Vec<Arc<Staple>> {
        self.socket.entry.tls.staples()
    }

    /// Accepts servers of other clusters, and connects to them.
    pub(super) fn begin(
        self,
        receptions: Vec<Recipient<Placed>>,
        arbiters: &Arc<Arbiters>,
    ) -> Result<(RunningGateways, GatewayReload), StartError> {
        let GatewaySocket { entry, own } = self.socket;
        let GatewayEntry { socket, address, .. } = entry;
        let clusters = own.clusters;
        let info = clusters.info();
        log::info!("Gateway name is {}", info.gateway);
        log::info!("Listening for gateways connections on {address}");
        match self.is_advertised {
            true => log::info!(
                "Advertise address for gateway {:?} is set to {}",
                info.gateway,
                info.gateway_url
            ),
            false => log::info!("Address for gateway {:?} is {}", info.gateway, info.gateway_url),
        }
        let errand = Arc::new(|remote: &Arc<RemoteCluster>| -> Errand {
            Arc::new(GatewayErrand {
                remote: remote.clone(),
            })
        });
        let gateways = Gateways::new(
            clusters.clone(),
            receptions.clone(),
            arbiters.clone(),
            errand,
            self.dialling,
        )
        .start();
        Gateways::adopt(&gateways, self.remotes, self.rejects_unknown, self.dialling);
        Listener::new(socket, receptions, arbiters.clone())?.start();
        let connections = self.parts.surroundings.monitor.clone();
        let reload = GatewayReload {
            settings: self.parts.settings.clone(),
            bounds: self.parts.surroundings.bounds.clone(),
            monitor: connections.clone(),
            gateways: gateways.clone(),
            address,
        };
        let running = RunningGateways {
            address,
            gateways,
            connections,
            clusters,
        };
        Ok((running, reload))
    }
}

impl RunningGateways {
    /// Whom to ask about other clusters.
    pub(super) fn observed(&self) -> ObservedGateways {
        ObservedGateways {
            gateways: self.gateways.clone(),
            connections: self.connections.clone(),
            clusters: self.clusters.clone(),
        }
    }
}

/// Sets gateway connections otherwise while the server runs.
pub(crate) struct GatewayReload {
    settings: Arc<Live<GatewaySettings>>,
    bounds: Arc<Live<Bounds>>,
    monitor: Addr<Monitor>,
    gateways: Addr<Gateways>,
    address: SocketAddr,
}

impl GatewayReload {
    /// Makes everything ready that may fail. `clients` is what clients are going to be told.
    pub(crate) fn prepare(&self, config: &Config, clients: &Info) -> Result<PreparedPeers, StartError> {
        let Some(gateway) = &config.gateway else {
            return Ok(PreparedPeers::default());
        };
        let (current, _) = self.settings.current();
        let before = GatewayTls {
            of_all: current.tls.clone(),
            of_remotes: current.remote_tls.clone(),
        };
        let tls = GatewayTls::prepare(gateway, &before, Occasion::Reload)?;
        let staples = tls.staples();
        let parts = (
            current.own.clone(),
            current.cluster.clone(),
            current.server.clone(),
        );
        let settings = gateway_settings(config, gateway, tls, parts)?;
        let bounds = gateway_bounds(config, gateway);
        let info = gateway_info(gateway, clients, self.address);
        let (remotes, rejects_unknown) = (gateway.remotes.clone(), gateway.rejects_unknown);
        let dialling = dialling_of(config, gateway);
        let (live_settings, live_bounds) = (self.settings.clone(), self.bounds.clone());
        let (monitor, gateways) = (self.monitor.clone(), self.gateways.clone());
        let put_in_force = Box::new(move || {
            live_bounds.replace(Arc::new(bounds));
            settings.own.clusters.set_info(info);
            live_settings.replace(Arc::new(settings));
            Monitor::tell_settings_changed(&monitor);
            Gateways::adopt(&gateways, remotes, rejects_unknown, dialling);
        });
        Ok(PreparedPeers {
            put_in_force: Some(put_in_force),
            staples,
        })
    }
}

fn dialling_of(config: &Config, gateway: &Gateway) -> GatewayDialling {
    GatewayDialling {
        connect_retries: gateway.connect_retries,
        connect_backoff: gateway.connect_backoff,
        connect_error_reports: config.logging.connect_error_reports,
        reconnect_error_reports: config.logging.reconnect_error_reports,
    }
}

/// What is held to of all gateway connections, whatever is said on them.
fn gateway_bounds(config: &Config, gateway: &Gateway) -> Bounds {
    Bounds {
        longest_line: longest_line(config),
        write_deadline: gateway.write_deadline.unwrap_or(config.limits.write_deadline),
        write_timeout: gateway.write_timeout,
        ..bounds(&config.limits)
    }
}

/// What all gateway connections go by: who may connect is compiled.
fn gateway_settings(
    config: &Config,
    gateway: &Gateway,
    tls: GatewayTls,
    (own, cluster, server): (OwnCluster, Option<ClusterHandle>, Arc<dyn DescribesServer>),
) -> Result<GatewaySettings, StartError> {
    let listener = &gateway.listener;
    Ok(GatewaySettings {
        own,
        gate: Arc::new(Gate::new(listener.credentials.clone())?),
        login: match &listener.credentials {
            Credentials::User { name, password } => (name.clone(), password.clone()),
            _ => Default::default(),
        },
        tls: tls.of_all,
        remote_tls: tls.of_remotes,
        auth_timeout: listener.auth_timeout,
        ping_interval: config.limits.ping_interval.min(LONGEST_PING_INTERVAL),
        ping_max: config.limits.ping_max,
        max_line: longest_line(config),
        max_message: config.limits.max_pending,
        headers: config.limits.headers,
        cluster,
        server,
    })
}

/// What servers of other clusters are told of this one.
fn gateway_info(gateway: &Gateway, clients: &Info, address: SocketAddr) -> GatewayInfo {
    let listener = &gateway.listener;
    let advertised = listener.advertise.as_deref().map(split_advertised);
    let port = advertised.and_then(|(_, port)| port).filter(|port| *port != 0);
    let port = port.unwrap_or_else(|| address.port());
    let url = urls(&listener.listen.host, listener.advertise.as_ref(), port);
    let url = url.into_iter().next();
    let url = url.unwrap_or_else(|| format!("{}:{port}", listener.listen.host));
    let host = match advertised {
        Some((host, _)) => host.to_owned(),
        // Where it listens everywhere, one place is told.
        None => url
            .rsplit_once(':')
            .map_or_else(|| listener.listen.host.clone(), |(host, _)| host.to_owned()),
    };
    GatewayInfo {
        server_id: clients.server_id.clone(),
        server_name: clients.server_name.clone(),
        version: clients.version.clone(),
        proto: TRACING_PROTO,
        host,
        port: port.into(),
        headers: clients.headers,
        auth_required: !matches!(listener.credentials, Credentials::Open),
        // Who connects always has to show a certificate.
        tls_required: listener.tls.is_some(),
        tls_verify: listener.tls.is_some(),
        max_payload: i64::try_from(clients.max_payload).unwrap_or(i64::MAX),
        gateway: gateway.name.clone(),
        gateway_url: url,
        gateway_nrp: true,
        gateway_iom: true,
        ..GatewayInfo::default()
    }
}

/// Has what is shown of the server say which port it is.
pub(super) fn show(address: Option<SocketAddr>, shown: &Live<Settings>) {
    shown.update(|now| {
        let mut settings = now.clone();
        with_gateway_port(&mut settings.config, address);
        settings
    });
}

/// The configuration, with the port that it was given where it asked for any.
pub(super) fn with_gateway_port(config: &mut Config, address: Option<SocketAddr>) {
    if let (Some(gateway), Some(address)) = (&mut config.gateway, address) {
        gateway.listener.listen.port = Port::Fixed(address.port());
    }
}
