//! What is served over HTTP, and where.

use crate::admin_service::{AdminService, AdminSocket};
use crate::bootstrap::listen;
use crate::server::StartError;
use jiff::Timestamp;
use openssl::ssl::{SslAcceptorBuilder, SslContext};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use vagus_actors::{Observatory, Operator};
use vagus_admin::service::{self, Door, ServiceHandle, follow};
use vagus_admin::{Administration, LogControl, monitoring_routes};
use vagus_configs::{Config, Listen, Port};
use vagus_delivery::{AccountDirectory, Live};
use vagus_monitoring::{Broker, Remembered, Settings, TlsSettings};
use vagus_nats::ClientTls;
use vagus_protocol::info::Info;
use vagus_tls::{TlsError, https_acceptor};

/// The sockets of monitoring, before there is anybody to ask.
pub(crate) struct MonitoringSockets {
    http: Option<TcpListener>,
    https: Option<(TcpListener, SslAcceptorBuilder)>,
    /// How HTTPS speaks TLS, where clients do.
    context: Option<SslContext>,
    admin: AdminSocket,
    log: Option<Arc<dyn LogControl>>,
}

/// What is served over HTTP.
#[derive(Debug)]
pub(crate) struct Admin {
    /// What handlers may ask.
    pub(crate) broker: Arc<Broker>,
    /// Stops the service of monitoring; None where there is none.
    pub(crate) monitoring: Option<ServiceHandle>,
    /// The admin service.
    pub(crate) service: AdminService,
}

impl MonitoringSockets {
    /// Listens where the configuration says.
    pub(crate) fn listen(config: &Config, log: Option<Arc<dyn LogControl>>) -> Result<Self, StartError> {
        let monitoring = &config.monitoring;
        let host = monitoring.host.as_ref().unwrap_or(&config.clients.listen.host);
        let open = |port: Port| {
            let host = host.clone();
            listen(&Listen { host, port }).map_err(StartError::monitoring)
        };
        let https = match (monitoring.https, &config.clients.tls) {
            (None, _) => None,
            (Some(_), None) => return Err(StartError::HttpsWithoutTls),
            (Some(port), Some(tls)) => Some((open(port)?, https_acceptor(tls)?)),
        };
        Ok(Self {
            http: monitoring.http.map(open).transpose()?,
            https,
            context: config.clients.tls.as_ref().map(https_context).transpose()?,
            admin: AdminSocket::listen(config)?,
            log,
        })
    }

    /// Serves; call it on the first arbiter, inside the server's System.
    pub(crate) fn serve(
        self,
        config: &Config,
        info: Info,
        (observatory, accounts): (Observatory, Arc<AccountDirectory>),
        tls: Option<&Arc<ClientTls>>,
        operator: impl FnOnce(&Arc<Broker>) -> Operator,
    ) -> io::Result<Admin> {
        let Self {
            http,
            https,
            context,
            admin: socket,
            log,
        } = self;
        let cluster = config.cluster.as_ref().and_then(|cluster| cluster.name.clone());
        let settings = Settings {
            config: config.clone(),
            info: Info {
                cluster: cluster.unwrap_or_default(),
                ..info
            },
            loaded: Timestamp::now(),
            http: http.as_ref().map(TcpListener::local_addr).transpose()?,
            https: https
                .as_ref()
                .map(|(socket, _)| socket.local_addr())
                .transpose()?,
            tls: config
                .clients
                .tls
                .as_ref()
                .zip(context)
                .map(|(settings, context)| shown(settings, tls, context)),
            websocket_urls: Vec::new(),
            websocket_not_after: None,
            admin_tls: socket.context.clone(),
        };
        let broker = Arc::new(Broker::new(observatory, accounts, Arc::new(Live::new(settings))));
        let mut doors = Vec::new();
        doors.extend(http.map(|socket| Door { socket, tls: None }));
        doors.extend(https.map(|(socket, mut tls)| {
            follow(broker.settings.clone(), &mut tls, |now| {
                Some(&now.tls.as_ref()?.https)
            });
            Door {
                socket,
                tls: Some(tls),
            }
        }));
        let mut admin = Admin {
            broker,
            monitoring: None,
            service: AdminService::default(),
        };
        if doors.is_empty() && !socket.is_open() {
            return Ok(admin);
        }
        let operator = operator(&admin.broker);
        let administration = Arc::new(Administration::new(admin.broker.clone(), operator, log));
        let protection = socket.protection_of_monitoring();
        admin.service = socket.serve(&administration, &admin.broker.settings)?;
        if doors.is_empty() {
            return Ok(admin);
        }
        let routes = monitoring_routes(&administration, protection, &config.monitoring.root());
        admin.monitoring = Some(service::serve(doors, routes)?);
        Ok(admin)
    }
}

/// How HTTPS speaks TLS, once its certificate is read.
pub(crate) fn https_context(settings: &vagus_tls::Settings) -> Result<SslContext, TlsError> {
    Ok(https_acceptor(settings)?.build().into_context())
}

/// What monitoring shows and makes of the TLS of clients.
pub(crate) fn shown(
    settings: &vagus_tls::Settings,
    tls: Option<&Arc<ClientTls>>,
    https: SslContext,
) -> TlsSettings {
    let clients = tls.cloned();
    TlsSettings {
        required: !settings.allow_non_tls,
        verify: settings.verifies(),
        timeout: settings.timeout.as_secs_f64(),
        // A certificate that ends beyond all calendars ends never.
        not_after: tls.and_then(|tls| Timestamp::from_second(tls.not_after()).ok()),
        checks_peers: tls.is_some_and(|tls| tls.checks_peers()),
        remembered: Remembered(Arc::new(move || clients.as_ref()?.cache_statistics())),
        https,
    }
}

impl Admin {
    /// Where monitoring listens: over HTTP and over HTTPS.
    pub(crate) fn monitoring_addresses(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        let (settings, _) = self.broker.settings.current();
        (settings.http, settings.https)
    }
}
