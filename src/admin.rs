//! What is served over HTTP, and where.

use crate::bootstrap::listen;
use crate::server::StartError;
use actix_web::dev::ServerHandle;
use jiff::Timestamp;
use openssl::ssl::SslAcceptorBuilder;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use vagus_actors::{Live, Observatory};
use vagus_admin::service::{self, Door};
use vagus_admin::{Broker, Settings, TlsSettings, monitoring};
use vagus_configs::{Config, Listen, Port};
use vagus_nats::ClientTls;
use vagus_protocol::info::Info;
use vagus_tls::https_acceptor;

/// The sockets of monitoring, before there is anybody to ask.
pub(crate) struct MonitoringSockets {
    http: Option<TcpListener>,
    https: Option<(TcpListener, SslAcceptorBuilder)>,
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
        let secure = match (monitoring.https, &config.tls) {
            (Some(_), None) => return Err(StartError::HttpsWithoutTls),
            (Some(port), Some(tls)) => Some((port, https_acceptor(tls)?)),
            (None, _) => None,
        };
        let host = monitoring.host.as_ref().unwrap_or(&config.listen.host);
        let open = |port: Port| {
            let host = host.clone();
            listen(&Listen { host, port }).map_err(StartError::monitoring)
        };
        Ok(Self {
            http: monitoring.http.map(open).transpose()?,
            https: match secure {
                Some((port, acceptor)) => Some((open(port)?, acceptor)),
                None => None,
            },
        })
    }

    /// Serves; call it on the first arbiter, inside the server's System.
    pub(crate) fn serve(
        self,
        config: &Config,
        info: Info,
        observatory: Observatory,
        tls: Option<&ClientTls>,
    ) -> io::Result<Admin> {
        let address = |socket: Option<&TcpListener>| socket.map(TcpListener::local_addr).transpose();
        let settings = Settings {
            config: config.clone(),
            info,
            loaded: Timestamp::now(),
            http: address(self.http.as_ref())?,
            https: address(self.https.as_ref().map(|(socket, _)| socket))?,
            tls: config.tls.as_ref().map(|settings| shown(settings, tls)),
        };
        let broker = Arc::new(Broker::new(observatory, Arc::new(Live::new(settings))));
        let plain = self.http.map(|socket| Door { socket, tls: None });
        let secure = self.https.map(|(socket, acceptor)| Door {
            socket,
            tls: Some(acceptor),
        });
        let doors: Vec<Door> = plain.into_iter().chain(secure).collect();
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

/// What is shown of the TLS of clients.
fn shown(settings: &vagus_tls::Settings, tls: Option<&ClientTls>) -> TlsSettings {
    TlsSettings {
        required: !settings.allow_non_tls,
        verify: settings.verifies(),
        timeout: settings.timeout.as_secs_f64(),
        not_after: tls.and_then(|tls| Timestamp::from_second(tls.not_after()).ok()),
    }
}

impl Admin {
    /// Where monitoring listens: over HTTP and over HTTPS.
    pub(crate) fn monitoring_addresses(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        let (settings, _) = self.broker.settings.current();
        (settings.http, settings.https)
    }
}
