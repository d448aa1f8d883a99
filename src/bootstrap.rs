//! The only wiring: which actors there are, and who knows whom.

mod arbiters;
mod cluster;
mod farewell;
mod gateways;
mod languages;
mod leafnodes;
mod listening;
mod sharing;
mod sockets;
mod websocket;

pub(crate) use arbiters::{on_arbiter, runtime};
pub(crate) use cluster::{ClusterReload, RouteSocket, RunningCluster};
pub(crate) use gateways::{GatewayReload, RunningGateways};
pub(crate) use leafnodes::{LeafReload, RunningLinks};
pub(crate) use listening::listen;
pub(crate) use sharing::share;
pub(crate) use websocket::WebSocketParts;

use crate::admin::Admin;
use crate::certificates::Secured;
use crate::claimed_accounts;
use crate::connectors;
use crate::identity::ServerIdentity;
use crate::reload::{Parts, Setup, streams_in_info};
use crate::server::StartError;
use crate::streams::{self, Place, Streams};
use crate::system_account::SystemAccount;
use actix::prelude::*;
use actix::{Arbiter, System};
use arbiters::open_arbiter;
use cluster::Clustering;
use farewell::announcing;
use futures_util::FutureExt;
use futures_util::future::join_all;
use gateways::{Bridging, GatewaySocket};
use languages::{Languages, Receptions, open_elsewhere};
use leafnodes::{LeafSocket, Linking, with_leaf_port};
use listening::with_ports;
use sockets::Sockets;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use tokio::sync::oneshot;
use vagus_actors::asking::Asking;
use vagus_actors::connection::Surroundings;
use vagus_actors::history::{History, ProcessUse};
use vagus_actors::in_process::{Door, InProcess};
use vagus_actors::jetstream::OpenedStreams;
use vagus_actors::lame_duck::LameDuck;
use vagus_actors::listener::Listener;
use vagus_actors::logins::CalloutMeans;
use vagus_actors::monitor::Monitor;
use vagus_actors::placement::Placed;
use vagus_actors::reload::{Configurator, Prepared, Reload, Source};
use vagus_actors::router::Router;
use vagus_actors::{Accounts, Observatory, Operator, SlowWork};
use vagus_auth::credentials::{ConnectionType, Gate};
use vagus_auth::proxies::TrustedProxies;
use vagus_configs::grammar::Map;
use vagus_configs::{Config, Limits, split_advertised};
use vagus_delivery::Live;
use vagus_delivery::arbiter::Arbiters;
use vagus_delivery::bounds::Bounds;
use vagus_monitoring::{Broker, resident_bytes};
use vagus_nats::ClientSettings;
use vagus_protocol::info::Info;
use vagus_protocol::parser::longest_incomplete_line;
use vagus_system::SystemServiceHandle;
use vagus_tls::ocsp::Staple;
use websocket::{WebSocketSocket, with_port};

/// JetStream's API level, which clients look at to know what they may ask for.
const API_LEVEL: u32 = 4;

/// A broker's actors, as the outside reaches them.
pub(crate) struct Running {
    pub(crate) client_address: SocketAddr,
    pub(crate) websocket_address: Option<SocketAddr>,
    pub(crate) system: System,
    pub(crate) arbiters: Arc<Arbiters>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) router: Addr<Router>,
    pub(crate) monitor: Addr<Monitor>,
    pub(crate) listener: Addr<Listener>,
    pub(crate) lame_duck: Addr<LameDuck>,
    pub(crate) reload: Addr<Reload>,
    pub(crate) admin: Admin,
    pub(crate) cluster: Option<RunningCluster>,
    pub(crate) links: RunningLinks,
    pub(crate) gateways: Option<RunningGateways>,
    pub(crate) system_service: Option<SystemServiceHandle>,
    pub(crate) streams: Streams,
    pub(crate) secured: Secured,
}

/// Listens, and starts the threads and actors of a broker.
pub(crate) fn start(
    config: Config,
    setup: Setup,
    identity: &ServerIdentity,
    name: &str,
) -> Result<(JoinHandle<()>, Running), StartError> {
    let streams = streams::open(&config, name)?;
    let gate = Gate::new(config.clients.credentials.clone())?.requiring_proxy(config.clients.requires_proxy);
    let secured = Secured::start(config.clients.tls.as_ref())?;
    let sockets = Sockets::listen(&config, &setup)?;
    let (jetstream, domain) = streams_in_info(&config);
    let mut info = Info {
        server_id: identity.id().to_owned(),
        server_name: name.to_owned(),
        version: crate::NATS_VERSION.to_owned(),
        vagus_version: crate::VERSION.to_owned(),
        git_commit: option_env!("VAGUS_GIT_COMMIT").unwrap_or("unknown").to_owned(),
        go: "none".to_owned(),
        headers: config.limits.headers,
        auth_required: gate.requires_login() || config.clients.callout.is_some(),
        max_payload: config.limits.max_payload,
        api_level: API_LEVEL,
        jetstream,
        domain,
        xkey: identity.curve.public().to_owned(),
        ..Info::default()
    };
    advertise(&mut info, &config, sockets.client_address.port());
    if let Some(tls) = &secured.clients {
        tls.announce(&mut info);
    }
    let identity = identity.clone();
    let (ready, is_ready) = mpsc::channel();
    let thread = thread::Builder::new().name("vagus".to_owned()).spawn(move || {
        let system = System::with_tokio_rt(runtime);
        system.block_on(async {
            // The starter is gone only if it panicked.
            let document = (&config, setup);
            let started = populate(sockets, document, info, &identity, gate, secured, streams);
            let started = match started {
                Ok((running, services, open)) => {
                    // Whoever connects, or is told that the server runs, can ask it.
                    join_all(services).await;
                    open();
                    Ok(running)
                }
                Err(error) => Err(error),
            };
            let _ = ready.send(started);
        });
        if let Err(error) = system.run() {
            log::error!("{error}");
        }
    })?;
    let running = is_ready
        .recv()
        .map_err(|_| io::Error::other("the first arbiter did not start"))??;
    Ok((thread, running))
}

/// Says in INFO where clients are to connect: to what is advertised, else to where the server listens, at this port.
pub(crate) fn advertise(info: &mut Info, config: &Config, port: u16) {
    let (host, advertised) = match &config.clients.advertise {
        Some(address) => split_advertised(address),
        None => (&*config.clients.listen.host, None),
    };
    info.host = host.to_owned();
    // As in nats-server, 0 is no port that could be told.
    info.port = advertised.filter(|port| *port != 0).unwrap_or(port);
}

/// A server that runs; what is waited for, which is that its services and streams answer; and what lets clients and
/// connectors begin then. What they said before would pass streams by.
type Populated = (Running, Vec<oneshot::Receiver<()>>, Box<dyn FnOnce()>);

/// Starts all actors; runs on the first arbiter.
fn populate(
    sockets: Sockets,
    (config, setup): (&Config, Setup),
    info: Info,
    identity: &ServerIdentity,
    gate: Gate,
    secured: Secured,
    opened: Option<OpenedStreams>,
) -> Result<Populated, StartError> {
    let Sockets {
        clients: socket,
        client_address,
        websocket: websocket_socket,
        routes,
        leafnodes,
        gateway,
        monitoring,
    } = sockets;
    let count = match config.arbiters {
        0 => thread::available_parallelism().map_or(1, usize::from),
        count => count,
    };
    // Streams have one of their own, which carries no connections.
    let arbiters = Arc::new(Arbiters::with_others(count, 1));
    let accounts = Arc::new(Accounts::start(arbiters.clone()));
    accounts.set_server_id(&info.server_id);
    accounts.define(&config.accounts);
    if let Some(name) = &config.accounts.system {
        accounts.directory().set_system(accounts.open(name));
    }
    // Nobody is there to wait for it.
    drop(share(&accounts));
    let (events, system_account) = SystemAccount::find(&accounts, &info.server_id);
    let answered = Arc::<AtomicU64>::default();
    let router = accounts.global().router.clone();
    let monitor = Monitor::new(config.monitoring.max_closed_clients).start();
    let (claimed_accounts, claims_desk) =
        claimed_accounts::start(config, &info.server_id, &accounts)?.unzip();
    let surroundings = Arc::new(Surroundings {
        accounts: accounts.clone(),
        monitor: monitor.clone(),
        bounds: Arc::new(Live::new(bounds(&config.limits))),
        slow_work: SlowWork::for_this_machine(),
        events,
        are_counted: true,
    });
    let first = open_arbiter(0, &arbiters, &surroundings);
    let inbox = format!("$SYS._INBOX.{}", identity.id());
    let asking = Asking::start(first.clone(), accounts.clone(), &inbox);
    let callout_means = CalloutMeans {
        asking: asking.clone(),
        key: identity.key.clone(),
        curve: identity.curve.clone(),
    };
    let client_settings = Arc::new(Live::new(ClientSettings {
        info: info.clone(),
        limits: config.limits.clone(),
        gate: Arc::new(gate),
        trusted_proxies: trusted_proxies(config),
        connection: ConnectionType::Standard,
        auth_timeout: config.clients.auth_timeout,
        accounts: accounts.directory().clone(),
        claimed_accounts,
        auth_callout: config.clients.callout.clone(),
        callout_means: Some(callout_means),
        tls: secured.clients.clone(),
        websocket: None,
        proxy_protocol: config.clients.proxy_protocol,
        max_traced_payload: config.logging.max_traced_payload,
        trace_headers: config.logging.trace_headers,
        tags: config.tags.clone(),
        metadata: config.metadata.clone(),
        answered: answered.clone(),
        events: surroundings.events.clone(),
    }));
    let websocket_address = websocket_socket.as_ref().map(WebSocketSocket::address);
    let websocket_parts = match &websocket_socket {
        Some(socket) => WebSocketParts::prepare(socket, config, &client_settings.current().0)?,
        None => None,
    };
    let route_address = routes.as_ref().map(RouteSocket::address);
    let mut with_real_port = config.clone();
    with_port(&mut with_real_port, websocket_address);
    let leafnode_address = leafnodes.as_ref().map(LeafSocket::address);
    with_leaf_port(&mut with_real_port, leafnode_address);
    let gateway = gateway.and_then(|socket| GatewaySocket::of_server(socket, config, &info));
    let clustering = routes.and_then(|socket| {
        Clustering::prepare(
            socket,
            &with_real_port,
            &surroundings,
            &arbiters,
            (&client_settings, gateway.as_ref().map(GatewaySocket::own)),
        )
    });
    let gateway_address = gateway.as_ref().map(GatewaySocket::address);
    let handle = clustering.as_ref().map(Clustering::handle);
    let bridging = match gateway {
        Some(socket) => Bridging::prepare(socket, config, &surroundings, (&client_settings, handle))?,
        None => None,
    };
    let linking = Linking::prepare(
        (leafnodes, websocket_address),
        config,
        (&surroundings, &arbiters),
        &client_settings,
        clustering.as_ref().map(Clustering::handle),
    )?;
    let languages = Languages {
        surroundings: surroundings.clone(),
        client_settings: client_settings.clone(),
        websocket: websocket_parts.clone(),
        routes: clustering.as_ref().map(|clustering| clustering.parts.clone()),
        links: linking.parts.clone(),
        gateways: bridging.as_ref().map(|bridging| bridging.parts.clone()),
    };
    let mut receptions = vec![languages.open_receptions(first.clone())];
    for number in 1..count {
        receptions.push(open_elsewhere(number, &arbiters, &languages)?);
    }
    let each = |reception: fn(&Receptions) -> Option<&Recipient<Placed>>| -> Vec<_> {
        receptions.iter().filter_map(reception).cloned().collect()
    };
    let route_receptions = each(|receptions| receptions.routes.as_ref());
    let link_receptions = each(|receptions| Some(&receptions.links));
    let gateway_receptions = each(|receptions| receptions.gateways.as_ref());
    let websocket_receptions = each(|receptions| receptions.websocket.as_ref());
    let receptions = each(|receptions| Some(&receptions.clients));
    let expects_handshakes = {
        let client_settings = client_settings.clone();
        move || client_settings.current().0.tls.is_some()
    };
    let (settled, once_settled) = oneshot::channel();
    let once_settled = once_settled.map(drop).shared();
    let listener = Listener::new(socket, receptions, arbiters.clone())?
        .expecting_handshakes(expects_handshakes)
        .opening_after(once_settled.clone())
        .start();
    let mut listeners = vec![listener.clone().recipient()];
    if let (Some(socket), Some(parts)) = (websocket_socket, &websocket_parts) {
        let listener = socket.begin(parts, websocket_receptions, &arbiters, once_settled)?;
        listeners.push(listener.recipient());
    }
    let system_service = system_account.as_ref().map(SystemAccount::handle);
    let told = (
        client_settings.clone(),
        websocket_parts.as_ref().map(|parts| parts.settings.clone()),
    );
    let farewell = clustering.as_ref().map(Clustering::farewell);
    let announce = announcing(told, farewell, system_service.clone());
    let lame_duck = LameDuck::new(
        config.lame_duck.clone(),
        listeners,
        monitor.clone(),
        Box::new(announce),
    )
    .start();
    let of_gateways = bridging.as_ref().map(Bridging::staples).unwrap_or_default();
    let (gateways, gateway_reload) = bridging
        .map(|bridging| bridging.begin(gateway_receptions, &arbiters))
        .transpose()?
        .unzip();
    let observatory = Observatory::new(
        monitor.clone(),
        router.clone(),
        listener.clone(),
        arbiters.clone(),
    )
    .with_cluster(clustering.as_ref().map(Clustering::observed))
    .with_leafnodes(linking.observed())
    .with_gateways(gateways.as_ref().map(RunningGateways::observed));
    let operator = |broker: &Arc<Broker>| Operator {
        monitor: monitor.clone(),
        lame_duck: lame_duck.clone(),
        in_process: InProcess::start(first.clone(), accounts.global().clone()),
        history: History::new(
            arbiters.clone(),
            monitor.clone(),
            router.clone(),
            process_use(broker),
        )
        .start(),
    };
    let asked = (observatory, accounts.directory().clone());
    let admin = monitoring.serve(config, info, asked, secured.clients.as_ref(), operator)?;
    if let Some(parts) = &websocket_parts {
        websocket::show(parts, &admin.broker.settings);
    }
    let websocket_tls = websocket_parts
        .as_ref()
        .and_then(|parts| parts.settings.current().0.tls.clone());
    let of_clients = secured
        .clients
        .iter()
        .chain(&websocket_tls)
        .flat_map(|tls| tls.staples());
    let of_routes = clustering.iter().flat_map(Clustering::staples);
    let of_servers = of_routes.cloned().chain(of_gateways);
    secured
        .stapler
        .watch(of_clients.cloned().chain(of_servers).collect());
    let service = system_account.map(|account| {
        let broker = admin.broker.clone();
        account.serve(first.clone(), broker, monitor.clone(), asking.clone(), answered)
    });
    let claims_service = claims_desk.and_then(|desk| {
        claimed_accounts::serve(desk, first.clone(), &accounts, asking, client_settings.clone())
    });
    let door = Door::new(first.clone(), accounts.clone()).start();
    let streams = Streams::of(Place {
        name: admin.broker.settings.current().0.info.server_name.clone(),
        number: count,
        arbiters: arbiters.clone(),
        surroundings: surroundings.clone(),
        door: door.clone(),
        broker: admin.broker.clone(),
    });
    let streams_ready = opened.map(|opened| streams.begin(opened, config)).transpose()?;
    let services = service
        .into_iter()
        .chain(claims_service)
        .chain(streams_ready)
        .collect();
    if let Some(claimed) = client_settings.current().0.claimed_accounts.clone() {
        // Nobody else says which they are.
        let _ = admin.broker.claimed_accounts.set(claimed);
    }
    let gateway = connectors::gateway_means(&client_settings, &accounts, &surroundings.slow_work, &door);
    let connectors = connectors::prepare(&Config::default(), config, &gateway)?;
    let known_connectors = connectors::start(door);
    let opening_connectors = known_connectors.clone();
    // Nobody else says which they are.
    let _ = admin.broker.connectors.set(known_connectors.clone());
    let cluster_told = (
        client_settings.clone(),
        websocket_parts.as_ref().map(|parts| parts.settings.clone()),
    );
    let leaf_reload = linking.reloading();
    let links = linking.begin(link_receptions, &arbiters)?;
    leafnodes::show(links.address, &admin.broker.settings);
    gateways::show(gateway_address, &admin.broker.settings);
    let parts = Parts {
        bounds: surroundings.bounds.clone(),
        accounts: accounts.clone(),
        client_settings,
        settings: admin.broker.settings.clone(),
        client_port: client_address.port(),
        admin: admin.service.clone(),
        stapler: secured.stapler.clone(),
        cluster: clustering.as_ref().map(Clustering::reloading),
        links: (leaf_reload, links.leafnodes.clone()),
        gateways: gateway_reload,
        connectors: known_connectors,
        websocket: websocket_parts,
        streams: streams.clone(),
        gateway,
        process: setup.process,
    };
    let reload = start_reload(
        with_ports(
            config,
            (client_address, websocket_address, route_address),
            (leafnode_address, gateway_address),
            &admin,
        ),
        (setup.tree, setup.text),
        setup.source,
        parts,
        monitor.clone(),
        lame_duck.clone(),
    );
    // Nobody else says who it is.
    let _ = admin.broker.configurator.set(Configurator::new(reload.clone()));
    // Last of all: others connect from here on.
    let cluster = clustering
        .map(|clustering| {
            let shown = (admin.broker.settings.clone(), links.links.clone());
            clustering.begin(route_receptions, &arbiters, cluster_told, shown)
        })
        .transpose()?;
    let running = Running {
        client_address,
        websocket_address,
        system: System::current(),
        arbiters,
        accounts,
        router,
        monitor,
        listener,
        lame_duck,
        reload,
        admin,
        cluster,
        links,
        gateways,
        system_service,
        streams,
        secured,
    };
    let max_payload = config.limits.max_payload;
    let open = move || {
        // A Listener has gone only if the server ends already.
        let _ = settled.send(());
        opening_connectors.adopt(connectors, max_payload);
    };
    Ok((running, services, Box::new(open)))
}

/// The Reload has a thread of its own: what it reads and compiles keeps no message waiting.
fn start_reload(
    config: Config,
    document: (Map, Option<String>),
    source: Box<dyn Source>,
    parts: Parts,
    monitor: Addr<Monitor>,
    lame_duck: Addr<LameDuck>,
) -> Addr<Reload> {
    Reload::start_in_arbiter(&Arbiter::with_tokio_rt(runtime).handle(), move |_| {
        Reload::new(config, document, source, Box::new(parts), monitor, lame_duck)
    })
}

/// The proxies that vouch for clients.
pub(crate) fn trusted_proxies(config: &Config) -> TrustedProxies {
    TrustedProxies::new(config.trusted_proxies.iter().map(|key| &**key))
}

/// What these limits hold all connections to.
pub(crate) fn bounds(limits: &Limits) -> Bounds {
    Bounds {
        write_deadline: limits.write_deadline,
        write_timeout: limits.write_timeout,
        stalls_publishers: limits.stalls_publishers,
        max_pending: limits.max_pending,
        max_connections: limits.max_connections,
        longest_line: longest_incomplete_line(limits.max_control_line),
    }
}

/// What a reload changes of how other servers are met, made ready.
#[derive(Default)]
pub(crate) struct PreparedPeers {
    /// None where none are met.
    pub(crate) put_in_force: Option<Prepared>,
    /// What they are going to be told of the certificates.
    pub(crate) staples: Vec<Arc<Staple>>,
}

/// What the process uses, as monitoring shows it.
fn process_use(broker: &Arc<Broker>) -> ProcessUse {
    let broker = broker.clone();
    Box::new(move || (broker.usage.percent(), resident_bytes()))
}
