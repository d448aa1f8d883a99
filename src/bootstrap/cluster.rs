//! The wiring of a server that is a part of a cluster.

use super::{PreparedPeers, bounds, listen};
use crate::certificates::Occasion;
use crate::server::StartError;
use crate::stapling;
use actix::prelude::*;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use vagus_actors::ObservedCluster;
use vagus_actors::cluster::{
    Cluster, ClusterHandle, ClusterHandleParts, ClusterName, ClusterSettings, ClusterShown, Identity, Places,
    Pooling, RouteAddress,
};
use vagus_actors::connection::Surroundings;
use vagus_actors::connection_events::ConnectionEvents;
use vagus_actors::listener::Listener;
use vagus_actors::monitor::Monitor;
use vagus_actors::placement::Placed;
use vagus_actors::reception::Reception;
use vagus_auth::credentials::{Credentials, Gate};
use vagus_configs::{Cluster as ClusterConfig, Config, ListenerSettings, Port, RouteUrl, split_advertised};
use vagus_delivery::Live;
use vagus_delivery::arbiter::{Arbiters, DescribesServer, LocalArbiter};
use vagus_delivery::bounds::Bounds;
use vagus_monitoring::Settings;
use vagus_nats::ClientSettings;
use vagus_peer::gateway::OwnCluster;
use vagus_peer::{RoutePermissions, RouteSettings, RouteTls, Routes, TRACING_PROTO};
use vagus_protocol::info::Info;
use vagus_protocol::route::RouteInfo;
use vagus_tls::TlsError;
use vagus_tls::ocsp::Staple;

/// As in nats-server: servers may say longer lines than clients, by so much.
const LONGER_LINES: usize = 16;

/// How many of its routes that ended are remembered.
const REMEMBERED_ROUTES: usize = 256;

/// How many letters a name has that is made up.
const NAME_LENGTH: usize = 22;

/// Where other servers connect, before anybody does.
pub(crate) struct RouteSocket {
    socket: TcpListener,
    entry: RouteEntry,
}

/// How other servers come in.
struct RouteEntry {
    address: SocketAddr,
    gate: Arc<Gate>,
    tls: Option<Arc<RouteTls>>,
}

impl RouteEntry {
    /// Who may, and with which certificates: these are read, and their authorities asked about them, unless that is known of
    /// `before`.
    fn prepare(
        cluster: &ClusterConfig,
        address: SocketAddr,
        before: Option<&RouteTls>,
        occasion: Occasion,
    ) -> Result<Self, StartError> {
        let tls = tls_of(cluster, before)?;
        stapling::prepare(staples(tls.as_ref()), occasion)?;
        Ok(Self {
            address,
            gate: Arc::new(Gate::new(cluster.listener.credentials.clone())?),
            tls,
        })
    }
}

impl RouteSocket {
    /// Listens for other servers, if the server is a part of a cluster.
    pub(super) fn listen(config: &Config) -> Result<Option<Self>, StartError> {
        let Some(cluster) = &config.cluster else {
            return Ok(None);
        };
        let socket = listen(&cluster.listener.listen).map_err(StartError::cluster)?;
        let entry = RouteEntry::prepare(cluster, socket.local_addr()?, None, Occasion::Start)?;
        Ok(Some(Self { socket, entry }))
    }

    /// Where it listens; the port is the real one.
    pub(super) fn address(&self) -> SocketAddr {
        self.entry.address
    }
}

/// What the routes of all arbiters have in common.
#[derive(Clone)]
pub(super) struct RouteParts {
    surroundings: Arc<Surroundings>,
    settings: Arc<Live<RouteSettings>>,
}

impl RouteParts {
    /// The reception of routes on this arbiter, whose thread calls.
    pub(super) fn open_reception(&self, arbiter: LocalArbiter) -> Recipient<Placed> {
        Reception::new(
            Routes::new(self.settings.clone()),
            arbiter,
            self.surroundings.clone(),
        )
        .start()
        .recipient()
    }
}

/// A cluster that has not begun.
pub(super) struct Clustering {
    pub(super) parts: RouteParts,
    socket: RouteSocket,
    cluster: Addr<Cluster>,
    /// Where clients connect to this server, and those that speak WebSocket.
    own_urls: Vec<String>,
    own_websocket_urls: Vec<String>,
    /// Whether clients are told of the other servers.
    advertises: bool,
}

/// The actors of a cluster, as the outside reaches them.
pub(crate) struct RunningCluster {
    pub(crate) address: SocketAddr,
    pub(crate) cluster: Addr<Cluster>,
    pub(crate) routes: Addr<Monitor>,
}

impl Clustering {
    /// Prepares for what the configuration says. `clients` is what is shared by clients.
    pub(super) fn prepare(
        socket: RouteSocket,
        config: &Config,
        clients: &Arc<Surroundings>,
        arbiters: &Arc<Arbiters>,
        (client_settings, own_cluster): (&Arc<Live<ClientSettings>>, Option<&OwnCluster>),
    ) -> Option<Self> {
        let cluster_config = config.cluster.as_ref()?;
        let client_info = client_settings.current().0.info.clone();
        let name = ClusterName {
            is_dynamic: cluster_config.name.is_none(),
            text: match &cluster_config.name {
                Some(name) => name.clone(),
                None => client_info.server_id.chars().rev().take(NAME_LENGTH).collect(),
            },
        };
        log::info!("Cluster name is {}", name.text);
        if name.is_dynamic {
            log::warn!("Cluster name was dynamically generated, consider setting one");
        }
        let server = Identity {
            id: client_info.server_id.clone(),
            name: client_info.server_name.clone(),
        };
        clients.accounts.set_cluster(&name.text);
        let handle_parts = ClusterHandleParts::new(server, name, pooling_of(cluster_config, config));
        let cluster = Cluster::new(
            &handle_parts,
            settings_of(cluster_config),
            arbiters.clone(),
            clients.monitor.clone(),
        )
        .start();
        let handle = ClusterHandle::new(&handle_parts, cluster.clone());
        let described = Arc::new(Described(client_settings.clone()));
        let route_settings = route_settings(
            config,
            cluster_config,
            &socket.entry,
            &client_info,
            (handle, described, own_cluster.cloned()),
        );
        let surroundings = Surroundings {
            accounts: clients.accounts.clone(),
            monitor: Monitor::new(REMEMBERED_ROUTES).start(),
            bounds: Arc::new(Live::new(route_bounds(config, cluster_config))),
            slow_work: clients.slow_work.clone(),
            events: ConnectionEvents::default(),
            are_counted: false,
        };
        let own_urls = client_urls(config, client_info.port);
        let own_websocket_urls = websocket_urls(config);
        Some(Self {
            parts: RouteParts {
                surroundings: Arc::new(surroundings),
                settings: Arc::new(Live::new(route_settings)),
            },
            socket,
            cluster,
            own_urls,
            own_websocket_urls,
            advertises: cluster_config.advertises,
        })
    }

    /// The cluster, for those who speak for it elsewhere.
    pub(super) fn handle(&self) -> ClusterHandle {
        self.parts.settings.current().0.cluster.clone()
    }

    /// Whom to ask about it.
    pub(super) fn observed(&self) -> ObservedCluster {
        ObservedCluster {
            cluster: self.cluster.clone(),
            routes: self.parts.surroundings.monitor.clone(),
        }
    }

    /// What sets it otherwise while it runs.
    pub(super) fn reloading(&self) -> ClusterReload {
        ClusterReload {
            settings: self.parts.settings.clone(),
            bounds: self.parts.surroundings.bounds.clone(),
            routes: self.parts.surroundings.monitor.clone(),
            address: self.socket.entry.address,
        }
    }

    /// What other servers are told of the certificates of routes.
    pub(super) fn staples(&self) -> &[Arc<Staple>] {
        staples(self.socket.entry.tls.as_ref())
    }

    /// Tells other servers that this one is about to stop, and says where its clients can connect instead.
    pub(super) fn farewell(&self) -> impl Fn() -> Places + use<> {
        let (settings, advertises) = (self.parts.settings.clone(), self.advertises);
        move || {
            let (settings, _) = settings.current();
            settings.cluster.say(settings.farewell());
            match advertises {
                true => settings.cluster.places(),
                false => Places::default(),
            }
        }
    }

    /// Accepts other servers, and connects to those of the configuration. Clients are told of the cluster, and it is shown.
    pub(super) fn begin(
        self,
        receptions: Vec<Recipient<Placed>>,
        arbiters: &Arc<Arbiters>,
        (client_settings, websocket_settings): (Arc<Live<ClientSettings>>, Option<Arc<Live<ClientSettings>>>),
        (shown, links): (Arc<Live<Settings>>, Addr<Monitor>),
    ) -> Result<RunningCluster, StartError> {
        let RouteSocket { socket, entry } = self.socket;
        let address = entry.address;
        log::info!("Listening for route connections on {address}");
        Listener::new(socket, receptions.clone(), arbiters.clone())?.start();
        let (own_urls, own_websocket_urls) = (self.own_urls, self.own_websocket_urls);
        let accounts = self.parts.surroundings.accounts.clone();
        let advertise = move |cluster: &ClusterShown| {
            accounts.set_cluster(&cluster.name);
            // Each tells its leaf node what is new to it.
            Monitor::tell_settings_changed(&links);
            tell_clients(
                &client_settings,
                &cluster.name,
                (&cluster.connect_urls, &own_urls),
            );
            if let Some(websocket_settings) = &websocket_settings {
                let urls = (&cluster.websocket_urls, &own_websocket_urls[..]);
                tell_clients(websocket_settings, &cluster.name, urls);
            }
            shown.update(|now| {
                let mut settings = now.clone();
                settings.info = client_settings.current().0.info.clone();
                let websocket = websocket_settings.as_ref().map(|settings| settings.current().0);
                settings.websocket_urls =
                    websocket.map_or_else(Vec::new, |now| now.info.connect_urls.clone());
                if let Some(cluster) = &mut settings.config.cluster {
                    cluster.listener.listen.port = Port::Fixed(address.port());
                }
                settings
            });
        };
        Cluster::begin(&self.cluster, receptions, Box::new(advertise));
        Ok(RunningCluster {
            address,
            cluster: self.cluster,
            routes: self.parts.surroundings.monitor.clone(),
        })
    }
}

/// As in nats-server, the account of the system has routes of its own where there are pools.
fn pooling_of(cluster: &ClusterConfig, config: &Config) -> Pooling {
    let pinned = cluster.accounts.iter().map(String::as_str);
    let system = config.accounts.system.as_deref();
    let system =
        system.filter(|system| cluster.pool_size > 0 && cluster.accounts.iter().all(|it| it != system));
    Pooling {
        size: cluster.pool_size,
        pinned: pinned.chain(system).map(Into::into).collect(),
    }
}

/// Sets a cluster otherwise while it runs.
pub(crate) struct ClusterReload {
    settings: Arc<Live<RouteSettings>>,
    bounds: Arc<Live<Bounds>>,
    routes: Addr<Monitor>,
    address: SocketAddr,
}

impl ClusterReload {
    /// Makes everything ready that may fail. `clients` is what clients are going to be told.
    pub(crate) fn prepare(&self, config: &Config, clients: &Info) -> Result<PreparedPeers, StartError> {
        let Some(cluster) = &config.cluster else {
            return Ok(PreparedPeers::default());
        };
        let (current, _) = self.settings.current();
        let entry = RouteEntry::prepare(cluster, self.address, current.tls.as_deref(), Occasion::Reload)?;
        let staples = staples(entry.tls.as_ref()).to_vec();
        let handle = current.cluster.clone();
        let kept = (
            handle.clone(),
            current.server.clone(),
            current.own_cluster.clone(),
        );
        let settings = route_settings(config, cluster, &entry, clients, kept);
        let (of_cluster, pooling) = (settings_of(cluster), pooling_of(cluster, config));
        let bounds = route_bounds(config, cluster);
        let (live_settings, live_bounds) = (self.settings.clone(), self.bounds.clone());
        let routes = self.routes.clone();
        let put_in_force = Box::new(move || {
            live_bounds.replace(Arc::new(bounds));
            live_settings.replace(Arc::new(settings));
            Monitor::tell_settings_changed(&routes);
            handle.reset(of_cluster, pooling);
        });
        Ok(PreparedPeers {
            put_in_force: Some(put_in_force),
            staples,
        })
    }
}

/// What other servers are told of the certificates of routes.
fn staples(tls: Option<&Arc<RouteTls>>) -> &[Arc<Staple>] {
    tls.map_or(&[], |tls| tls.staples())
}

/// The TLS of routes, if they speak it: reads the certificates.
fn tls_of(cluster: &ClusterConfig, before: Option<&RouteTls>) -> Result<Option<Arc<RouteTls>>, TlsError> {
    let Some(settings) = &cluster.listener.tls else {
        return Ok(None);
    };
    let hosts = cluster.routes.iter().map(|route| &*route.host);
    let tls = RouteTls::new(settings, hosts, before)?;
    for weakness in tls.weaknesses() {
        log::warn!("{weakness}");
    }
    Ok(Some(Arc::new(tls)))
}

/// What all routes go by.
fn route_settings(
    config: &Config,
    cluster: &ClusterConfig,
    entry: &RouteEntry,
    clients: &Info,
    (handle, server, own_cluster): (ClusterHandle, Arc<dyn DescribesServer>, Option<OwnCluster>),
) -> RouteSettings {
    let permissions = RoutePermissions::new(cluster.permissions.as_ref());
    let mut info = route_info(cluster, clients, entry, client_urls(config, clients.port));
    if cluster.advertises {
        info.ws_connect_urls = websocket_urls(config);
    }
    info.leafnode_urls = leaf_node_url(config).into_iter().collect();
    permissions.announce(&mut info);
    if let Some(own_cluster) = &own_cluster {
        info.gateway_url = own_cluster.clusters.info().gateway_url;
    }
    RouteSettings {
        info,
        gate: entry.gate.clone(),
        tls: entry.tls.clone(),
        compression: cluster.compression.clone(),
        permissions,
        login: match &cluster.listener.credentials {
            Credentials::User { name, password } => (name.clone(), password.clone()),
            _ => Default::default(),
        },
        auth_timeout: cluster.listener.auth_timeout,
        ping_interval: cluster.ping_interval.min(config.limits.ping_interval),
        ping_max: cluster.ping_max.unwrap_or(config.limits.ping_max),
        max_line: longest_line(config),
        max_message: config.limits.max_pending,
        cluster: handle,
        server,
        own_cluster,
    }
}

/// What events say of this server: the same in all of them.
pub(super) struct Described(pub(super) Arc<Live<ClientSettings>>);

impl DescribesServer for Described {
    fn append_description(&self, time: &str, out: &mut Vec<u8>) {
        self.0.current().0.append_description(time, out);
    }
}

pub(super) fn longest_line(config: &Config) -> usize {
    config.limits.max_control_line.saturating_mul(LONGER_LINES)
}

/// What is held to of all routes, whatever is said on them.
fn route_bounds(config: &Config, cluster: &ClusterConfig) -> Bounds {
    Bounds {
        longest_line: longest_line(config),
        write_deadline: cluster.write_deadline.unwrap_or(config.limits.write_deadline),
        write_timeout: cluster.write_timeout,
        ..bounds(&config.limits)
    }
}

fn settings_of(cluster: &ClusterConfig) -> ClusterSettings {
    let address = |route: &RouteUrl| RouteAddress {
        host: route.host.clone(),
        port: route.port,
        user: route.user.clone(),
        password: route.password.clone(),
    };
    ClusterSettings {
        name: cluster.name.clone(),
        routes: cluster.routes.iter().map(address).collect(),
        connect_retries: cluster.connect_retries,
        connect_backoff: cluster.connect_backoff,
        advertises: cluster.advertises,
    }
}

/// What other servers are told of this one.
fn route_info(
    cluster: &ClusterConfig,
    clients: &Info,
    entry: &RouteEntry,
    client_urls: Vec<String>,
) -> RouteInfo {
    let port = entry.address.port();
    let (host, port, ip) = match &cluster.listener.advertise {
        None => (cluster.listener.listen.host.clone(), port, String::new()),
        Some(address) => {
            let (host, advertised) = split_advertised(address);
            let port = advertised.filter(|port| *port != 0).unwrap_or(port);
            let ip = format!("nats-route://{}/", join(host, port));
            (host.to_owned(), port, ip)
        }
    };
    RouteInfo {
        server_id: clients.server_id.clone(),
        server_name: clients.server_name.clone(),
        version: clients.version.clone(),
        proto: TRACING_PROTO,
        go: clients.go.clone(),
        host,
        port: port.into(),
        headers: clients.headers,
        auth_required: entry.gate.requires_login(),
        // Who connects always has to show a certificate.
        tls_required: entry.tls.is_some(),
        tls_verify: entry.tls.is_some(),
        max_payload: i64::try_from(clients.max_payload).unwrap_or(i64::MAX),
        ip,
        connect_urls: match cluster.advertises {
            true => client_urls,
            false => Vec::new(),
        },
        lnoc: true,
        lnocu: true,
        ln: true,
        route_pool_size: i64::try_from(cluster.pool_size).unwrap_or(i64::MAX),
        ..RouteInfo::default()
    }
}

/// Tells clients what the cluster is called and where else they can connect, behind where they can connect here.
fn tell_clients(
    client_settings: &Live<ClientSettings>,
    cluster: &str,
    (urls, own_urls): (&Option<Vec<String>>, &[String]),
) {
    client_settings.update(|now| {
        let mut settings = now.clone();
        cluster.clone_into(&mut settings.info.cluster);
        if let Some(urls) = urls {
            // Who is about to stop sends everybody elsewhere.
            let own_urls = if now.info.lame_duck { &[] } else { own_urls };
            settings.info.connect_urls = own_urls.iter().chain(urls).cloned().collect();
        }
        settings
    });
}

/// Where clients connect to this server.
fn client_urls(config: &Config, port: u16) -> Vec<String> {
    let ListenerSettings {
        listen, advertise, ..
    } = &config.clients;
    urls(&listen.host, advertise.as_ref(), port)
}

/// Where those connect that speak WebSocket, if any may. The port is the one that was given.
pub(super) fn websocket_urls(config: &Config) -> Vec<String> {
    config.websocket.as_ref().map_or_else(Vec::new, |websocket| {
        let port = websocket.listen.port.to_bind();
        let advertised = websocket.advertise.as_deref().map(split_advertised);
        let port = advertised.and_then(|(_, port)| port).unwrap_or(port);
        urls(&websocket.listen.host, websocket.advertise.as_ref(), port)
    })
}

/// Where leaf nodes connect, if any may and others tell theirs of it. The port is the one that was given.
fn leaf_node_url(config: &Config) -> Option<String> {
    let listener = config.leafnodes.listener.as_ref()?;
    let ListenerSettings {
        listen, advertise, ..
    } = &listener.settings;
    let port = listen.port.to_bind();
    let advertised = advertise.as_deref().map(split_advertised);
    let port = advertised.and_then(|(_, port)| port).unwrap_or(port);
    let urls = listener
        .advertises
        .then(|| urls(&listen.host, advertise.as_ref(), port));
    urls?.into_iter().next()
}

/// As is advertised, else at all addresses that others can reach.
pub(super) fn urls(host: &str, advertise: Option<&String>, port: u16) -> Vec<String> {
    if let Some(address) = advertise {
        return vec![join(split_advertised(address).0, port)];
    }
    let mut urls = Vec::new();
    if let Ok(listens) = host.parse::<IpAddr>()
        && listens.is_unspecified()
    {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        urls.extend(
            interfaces
                .into_iter()
                .map(|interface| interface.ip())
                .filter(|ip| is_reached_by_others(*ip) && (listens.is_ipv6() || ip.is_ipv4()))
                .map(|ip| join(&ip.to_string(), port)),
        );
    } else {
        urls.push(join(host, port));
    }
    urls
}

fn is_reached_by_others(ip: IpAddr) -> bool {
    let is_link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !ip.is_loopback() && !ip.is_multicast() && !ip.is_unspecified() && !is_link_local
}

/// `host:port`, with brackets around an address of IPv6.
fn join(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}
