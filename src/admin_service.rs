//! The admin service, and what monitoring shares with it.

use crate::bootstrap::listen;
use crate::server::StartError;
use openssl::ssl::SslAcceptorBuilder;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use vagus_admin::service::{self, Door};
use vagus_admin::{Access, Administration, Protection, admin_routes};
use vagus_configs::{Admin, Config};
use vagus_tls::https_acceptor;

/// The socket of the admin service, and who may use it, before there is anything to administrate.
#[derive(Default)]
pub(crate) struct AdminSocket {
    socket: Option<TcpListener>,
    access: Option<Arc<Access>>,
    tls: Option<SslAcceptorBuilder>,
    protects_monitoring: bool,
}

/// The admin service.
#[derive(Debug, Default)]
pub(crate) struct AdminService {
    /// Where it listens; None where there is none.
    pub(crate) address: Option<SocketAddr>,
}

impl AdminSocket {
    /// Listens where the configuration says.
    pub(crate) fn listen(config: &Config) -> Result<Self, StartError> {
        let Some(admin) = &config.admin else {
            return Ok(Self::default());
        };
        let access = Access::new(admin).map_err(io::Error::other)?;
        let tls = admin.tls.as_ref().map(https_acceptor).transpose()?;
        let socket = listen(&admin.listen).map_err(StartError::admin)?;
        refuse_to_be_open(admin, &socket)?;
        Ok(Self {
            socket: Some(socket),
            access: Some(Arc::new(access)),
            tls,
            protects_monitoring: admin.protect_monitoring,
        })
    }

    /// Whether there is one.
    pub(crate) fn is_open(&self) -> bool {
        self.socket.is_some()
    }

    /// How monitoring is protected.
    pub(crate) fn protection_of_monitoring(&self) -> Protection {
        match &self.access {
            Some(access) if self.protects_monitoring => Protection::Login(access.clone()),
            _ => Protection::Open,
        }
    }

    /// Serves; call it on the first arbiter, inside the server's System.
    pub(crate) fn serve(self, administration: &Arc<Administration>) -> io::Result<AdminService> {
        let (Some(socket), Some(access)) = (self.socket, self.access) else {
            return Ok(AdminService::default());
        };
        let address = socket.local_addr()?;
        let routes = admin_routes(administration, Protection::Login(access));
        let service = service::serve(
            vec![Door {
                socket,
                tls: self.tls,
            }],
            routes,
        )?;
        actix::spawn(async move {
            if let Err(error) = service.await {
                log::error!("Error serving administration: {error}");
            }
        });
        Ok(AdminService {
            address: Some(address),
        })
    }
}

/// A name such as localhost may be another address than one thinks.
fn refuse_to_be_open(admin: &Admin, socket: &TcpListener) -> Result<(), StartError> {
    let address = socket.local_addr()?;
    if admin.requires_login() || address.ip().to_canonical().is_loopback() {
        Ok(())
    } else {
        Err(StartError::OpenAdmin { address })
    }
}
