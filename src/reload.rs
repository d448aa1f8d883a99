//! What a new configuration means to the parts of a running server.

use actix::Addr;
use std::any::Any;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use vagus_actors::Accounts;
use vagus_actors::connectors::ConnectorsHandle;
use vagus_actors::leafnodes::LeafNodes;
use vagus_actors::reload::{Apply, Prepared, Source};
use vagus_admin::{GatewayMeans, LogControl};
use vagus_auth::credentials::Gate;
use vagus_configs::{Config, Loaded};
use vagus_delivery::Live;
use vagus_delivery::bounds::Bounds;
use vagus_monitoring::Settings;
use vagus_nats::{ClientSettings, ProposedSettings};

use crate::admin;
use crate::admin_service::AdminService;
use crate::bootstrap::{
    ClusterReload, GatewayReload, LeafReload, WebSocketParts, advertise, bounds, share, trusted_proxies,
};
use crate::certificates::{Occasion, make_ready, not_after};
use crate::claimed_accounts;
use crate::connectors;
use crate::stapling::Stapler;
use crate::streams::Streams;
use vagus_configs::grammar::Map;

/// The parts of a program around a server that go by its configuration: its log, its files.
pub trait Process: Send + 'static {
    /// Makes everything ready that may fail, for what it gives to put `new` in force. Nothing has changed before.
    ///
    /// # Errors
    /// Why `new` cannot be put in force.
    fn prepare(&mut self, old: &Config, new: &Config) -> Result<Prepared, String>;
}

/// Where the configuration of a server comes from, and who else goes by it.
pub struct Setup {
    /// What the file holds.
    pub tree: Map,
    /// Its text.
    pub text: Option<String>,
    /// Where more comes from.
    pub source: Box<dyn Source>,
    /// Who else goes by it.
    pub process: Box<dyn Process>,
    /// The log of the process, for administrators, if it can be set.
    pub log: Option<Arc<dyn LogControl>>,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Setup").finish_non_exhaustive()
    }
}

impl Default for Setup {
    /// Of a server within another program, which alone can say how it is to be set.
    fn default() -> Self {
        Self {
            tree: Map::default(),
            text: None,
            source: Box::new(Within),
            process: Box::new(Within),
            log: None,
        }
    }
}

/// The program that a server is part of.
struct Within;

impl Source for Within {
    fn file(&self) -> Option<&Path> {
        None
    }

    fn lay_over(&self, _: Loaded) -> Result<(Config, Vec<String>), String> {
        Err("this server is part of a program, which alone can set it otherwise".to_owned())
    }

    fn write(&mut self, _: &str) -> Result<(), String> {
        Err("the file: there is none".to_owned())
    }
}

impl Process for Within {
    fn prepare(&mut self, _: &Config, _: &Config) -> Result<Prepared, String> {
        Ok(Box::new(|| {}))
    }
}

/// Puts configurations in force.
pub(crate) struct Parts {
    pub(crate) bounds: Arc<Live<Bounds>>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) client_settings: Arc<Live<ClientSettings>>,
    pub(crate) settings: Arc<Live<Settings>>,
    /// Where clients connect.
    pub(crate) client_port: u16,
    pub(crate) admin: AdminService,
    pub(crate) stapler: Stapler,
    pub(crate) cluster: Option<ClusterReload>,
    pub(crate) links: (LeafReload, Addr<LeafNodes>),
    pub(crate) gateways: Option<GatewayReload>,
    pub(crate) connectors: ConnectorsHandle,
    pub(crate) websocket: Option<WebSocketParts>,
    pub(crate) streams: Streams,
    pub(crate) gateway: GatewayMeans,
    pub(crate) process: Box<dyn Process>,
}

impl Parts {
    /// What clients of all listeners are to go by.
    fn proposed(&self, new: &Config) -> Result<ProposedSettings, String> {
        let clients = self.client_settings(new)?;
        let websocket = self.websocket.as_ref();
        let websocket = websocket
            .map(|parts| parts.prepare_anew(new, &clients))
            .transpose();
        Ok(ProposedSettings {
            clients,
            websocket: websocket.map_err(|error| error.to_string())?.flatten(),
        })
    }

    /// What clients are to go by. Users are compiled, which fails for some.
    fn client_settings(&self, new: &Config) -> Result<ClientSettings, String> {
        let (before, _) = self.client_settings.current();
        let (settings, _) = self.settings.current();
        let (now, clients) = (&settings.config.clients, &new.clients);
        let gate = if now.credentials == clients.credentials && now.requires_proxy == clients.requires_proxy {
            before.gate.clone()
        } else {
            let gate = Gate::new(clients.credentials.clone()).map_err(|error| error.to_string())?;
            Arc::new(gate.requiring_proxy(clients.requires_proxy))
        };
        // Certificates are read anew each time: they are replaced where they are.
        let tls = make_ready(new.clients.tls.as_ref(), before.tls.as_deref(), Occasion::Reload)
            .map_err(|error| error.to_string())?;
        let mut client_settings = ClientSettings::clone(&before);
        (
            client_settings.info.tls_required,
            client_settings.info.tls_available,
            client_settings.info.tls_verify,
        ) = (false, false, false);
        if let Some(tls) = &tls {
            tls.announce(&mut client_settings.info);
        }
        client_settings.tls = tls;
        client_settings.info.auth_required = gate.requires_login() || new.clients.callout.is_some();
        client_settings.auth_callout = new.clients.callout.clone();
        client_settings.info.max_payload = new.limits.max_payload;
        (client_settings.info.jetstream, client_settings.info.domain) = streams_in_info(new);
        advertise(&mut client_settings.info, new, self.client_port);
        client_settings.gate = gate;
        client_settings.trusted_proxies = trusted_proxies(new);
        client_settings.auth_timeout = new.clients.auth_timeout;
        client_settings.limits = new.limits.clone();
        client_settings.max_traced_payload = new.logging.max_traced_payload;
        client_settings.trace_headers = new.logging.trace_headers;
        client_settings.tags = new.tags.clone();
        client_settings.metadata = new.metadata.clone();
        Ok(client_settings)
    }
}

/// Whether there are streams, and of which domain, as clients are told.
pub(crate) fn streams_in_info(config: &Config) -> (bool, String) {
    match &config.jetstream {
        Some(jetstream) => (true, jetstream.domain.clone()),
        None => (false, String::new()),
    }
}

/// How often it is looked whether clients have all adopted other settings.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Frees settings on the Reload's thread once no client goes by them any more: there may be a hundred thousand users in
/// them, and the last client to adopt others would do it in its turn, while all others of its arbiter wait.
async fn free_once_unused(settings: Arc<ClientSettings>) {
    while Arc::strong_count(&settings) > 1 {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

impl Apply for Parts {
    fn prepare(&mut self, old: &Config, new: &Config) -> Result<Prepared, String> {
        let ProposedSettings {
            clients: client_settings,
            websocket,
        } = self.proposed(new)?;
        let live_websocket = self.websocket.as_ref().map(|parts| parts.settings.clone());
        let https = new.clients.tls.as_ref().map(admin::https_context).transpose();
        let https = https.map_err(|error| error.to_string())?;
        let admin = self.admin.prepare(old.admin.as_ref(), new.admin.as_ref());
        let admin = admin.map_err(|error| error.to_string())?;
        let cluster = self.cluster.as_ref();
        let cluster = cluster
            .map(|cluster| cluster.prepare(new, &client_settings.info))
            .transpose();
        let cluster = cluster.map_err(|error| error.to_string())?.unwrap_or_default();
        let (links, leafnodes) = &self.links;
        let links = links.prepare(new, &client_settings, leafnodes);
        let links = links.map_err(|error| error.to_string())?;
        let gateways = self.gateways.as_ref();
        let gateways = gateways
            .map(|gateways| gateways.prepare(new, &client_settings.info))
            .transpose();
        let gateways = gateways.map_err(|error| error.to_string())?.unwrap_or_default();
        let ready = connectors::prepare(old, new, &self.gateway).map_err(|error| error.to_string())?;
        let process = self.process.prepare(old, new)?;
        let opened = self.streams.prepare(new).map_err(|error| error.to_string())?;
        let (live_client_settings, live_bounds) = (self.client_settings.clone(), self.bounds.clone());
        let (settings, config) = (self.settings.clone(), new.clone());
        let stapler = self.stapler.clone();
        let (accounts, connectors) = (self.accounts.clone(), self.connectors.clone());
        let streams = self.streams.clone();
        Ok(Box::new(move || {
            accounts.define(&config.accounts);
            // Before anybody is told of it.
            if let Some(opened) = opened
                && let Err(error) = streams.begin_now(opened, &config)
            {
                log::warn!("Can't start JetStream: {error}");
            }
            live_bounds.replace(Arc::new(bounds(&config.limits)));
            let (before, _) = live_client_settings.current();
            live_client_settings.update(|now| {
                let mut settings = client_settings.clone();
                // What has become of the cluster meanwhile is not said again.
                settings.info.cluster.clone_from(&now.info.cluster);
                settings.info.connect_urls.clone_from(&now.info.connect_urls);
                // Lame duck mode may have begun meanwhile, and does not end.
                settings.info.lame_duck = now.info.lame_duck;
                settings
            });
            if let (Some(live), Some(settings)) = (&live_websocket, &websocket) {
                live.update(|now| match now.info.lame_duck {
                    true => settings.in_lame_duck_mode(),
                    false => settings.clone(),
                });
            }
            match (&config.operators, &client_settings.claimed_accounts) {
                (Some(operators), Some(claimed)) => {
                    claimed_accounts::preload(operators, claimed);
                    claimed.refresh();
                }
                // By these settings nobody belongs to one of the others any more.
                _ => accounts.retain(&config.accounts),
            }
            share(&accounts).wait();
            let tls = client_settings.tls.as_ref();
            let websocket_tls = websocket.as_ref().and_then(|settings| settings.tls.as_ref());
            let of_clients = tls.into_iter().chain(websocket_tls).flat_map(|tls| tls.staples());
            let of_servers = cluster.staples.into_iter().chain(gateways.staples);
            stapler.watch(of_clients.cloned().chain(of_servers).collect());
            settings.update(|now| Settings {
                tls: config
                    .clients
                    .tls
                    .as_ref()
                    .zip(https.clone())
                    .map(|(settings, https)| admin::shown(settings, tls, https)),
                config: config.clone(),
                websocket_not_after: websocket_tls.and_then(|tls| not_after(tls)),
                admin_tls: admin.context.clone(),
                info: live_client_settings.current().0.info.clone(),
                loaded: jiff::Timestamp::now(),
                ..now.clone()
            });
            admin.admit();
            if let Some(put_in_force) = cluster.put_in_force {
                put_in_force();
            }
            links();
            if let Some(put_in_force) = gateways.put_in_force {
                put_in_force();
            }
            connectors.adopt(ready, config.limits.max_payload);
            streams.adopt(&config);
            process();
            tokio::task::spawn_local(free_once_unused(before));
        }))
    }

    fn preview(&mut self, new: &Config) -> Result<Arc<dyn Any + Send + Sync>, String> {
        let admin = self.admin.prepare(None, new.admin.as_ref());
        admin.map_err(|error| error.to_string())?;
        Ok(Arc::new(self.proposed(new)?))
    }
}
