//! What is served over HTTP, and where.

use crate::bootstrap::listen;
use crate::server::StartError;
use actix_web::dev::ServerHandle;
use jiff::Timestamp;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use vagus_actors::{Live, Observatory};
use vagus_admin::service::{self, Door};
use vagus_admin::{Broker, Settings, monitoring};
use vagus_configs::{Config, Listen, Port};
use vagus_protocol::info::Info;

/// The sockets of monitoring, before there is anybody to ask.
pub(crate) struct MonitoringSockets {
    http: Option<TcpListener>,
}

/// What is served over HTTP.
#[derive(Debug)]
pub(crate) struct Admin {
    /// What handlers may ask.
    pub(crate) broker: Arc<Broker>,
    /// Stops the service of monitoring; None where there is none.
    pub(crate) monitoring: Option<ServerHandle>,
}

impl MonitoringSockets {
    /// Listens where the configuration says.
    pub(crate) fn listen(config: &Config) -> Result<Self, StartError> {
        let monitoring = &config.monitoring;
        if monitoring.https.is_some() {
            return Err(StartError::HttpsWithoutTls);
        }
        let host = monitoring.host.as_ref().unwrap_or(&config.listen.host);
        let open = |port: Option<Port>| {
            port.map(|port| {
                let host = host.clone();
                listen(&Listen { host, port }).map_err(StartError::monitoring)
            })
            .transpose()
        };
        Ok(Self {
            http: open(monitoring.http)?,
        })
    }

    /// Serves; call it on the first arbiter, inside the server's System.
    pub(crate) fn serve(self, config: &Config, info: Info, observatory: Observatory) -> io::Result<Admin> {
        let address = |socket: &Option<TcpListener>| socket.as_ref().map(TcpListener::local_addr).transpose();
        let settings = Settings {
            config: config.clone(),
            info,
            loaded: Timestamp::now(),
            http: address(&self.http)?,
            https: None,
            tls: None,
        };
        let broker = Arc::new(Broker::new(observatory, Arc::new(Live::new(settings))));
        let doors: Vec<Door> = self
            .http
            .map(|socket| Door { socket, tls: None })
            .into_iter()
            .collect();
        if doors.is_empty() {
            return Ok(Admin {
                broker,
                monitoring: None,
            });
        }
        let service = service::serve(doors, monitoring::routes(&broker, &config.monitoring.root()))?;
        let handle = service.handle();
        actix::spawn(async move {
            if let Err(error) = service.await {
                log::error!("Error serving monitoring: {error}");
            }
        });
        Ok(Admin {
            broker,
            monitoring: Some(handle),
        })
    }
}

impl Admin {
    /// Where monitoring listens: over HTTP and over HTTPS.
    pub(crate) fn monitoring_addresses(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        let (settings, _) = self.broker.settings.current();
        (settings.http, settings.https)
    }
}
