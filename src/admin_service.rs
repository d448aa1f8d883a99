//! The admin service, and what monitoring shares with it.

use crate::admin::https_context;
use crate::bootstrap::listen;
use crate::server::StartError;
use openssl::ssl::{SslAcceptorBuilder, SslContext};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use vagus_admin::service::{self, Door, ServiceHandle, follow};
use vagus_admin::{Access, Administration, Protection, Rules, admin_routes};
use vagus_configs::{Admin, Config};
use vagus_delivery::Live;
use vagus_monitoring::Settings;
use vagus_tls::https_acceptor;

/// The socket of the admin service, and who may use it, before there is anything to administrate.
#[derive(Default)]
pub(crate) struct AdminSocket {
    socket: Option<TcpListener>,
    access: Option<Arc<Access>>,
    tls: Option<SslAcceptorBuilder>,
    /// How TLS is spoken with the certificate that is read first.
    pub(crate) context: Option<SslContext>,
}

/// The admin service.
#[derive(Debug, Clone, Default)]
pub(crate) struct AdminService {
    /// Where it listens; None where there is none.
    pub(crate) address: Option<SocketAddr>,
    /// Who may use it; None where there is none.
    pub(crate) access: Option<Arc<Access>>,
    /// Stops it; None where there is none.
    pub(crate) service: Option<ServiceHandle>,
}

impl AdminSocket {
    /// Listens where the configuration says.
    pub(crate) fn listen(config: &Config) -> Result<Self, StartError> {
        let Some(admin) = &config.admin else {
            return Ok(Self::default());
        };
        let access = Access::new(admin).map_err(io::Error::other)?;
        let tls = admin.tls.as_ref().map(https_acceptor).transpose()?;
        let context = admin.tls.as_ref().map(https_context).transpose()?;
        let socket = listen(&admin.listen).map_err(StartError::admin)?;
        refuse_to_be_open(admin, socket.local_addr()?)?;
        Ok(Self {
            socket: Some(socket),
            access: Some(Arc::new(access)),
            tls,
            context,
        })
    }

    /// Whether there is one.
    pub(crate) fn is_open(&self) -> bool {
        self.socket.is_some()
    }

    /// How monitoring is protected.
    pub(crate) fn protection_of_monitoring(&self) -> Protection {
        match &self.access {
            Some(access) => Protection::Monitoring(access.clone()),
            None => Protection::Open,
        }
    }

    /// Serves; call it on the first arbiter, inside the server's System.
    pub(crate) fn serve(
        self,
        administration: &Arc<Administration>,
        settings: &Arc<Live<Settings>>,
    ) -> io::Result<AdminService> {
        let (Some(socket), Some(access)) = (self.socket, self.access) else {
            return Ok(AdminService::default());
        };
        let mut tls = self.tls;
        if let Some(tls) = &mut tls {
            follow(settings.clone(), tls, |now| now.admin_tls.as_ref());
        }
        let address = socket.local_addr()?;
        let routes = admin_routes(administration, Protection::Login(access.clone()));
        let service = service::serve(vec![Door { socket, tls }], routes)?;
        Ok(AdminService {
            address: Some(address),
            access: Some(access),
            service: Some(service),
        })
    }
}

impl AdminService {
    /// Makes ready what `new` says of the service, as far as it can change while it runs.
    ///
    /// # Errors
    /// When the credentials or the certificate cannot be used, or everybody could use the service.
    pub(crate) fn prepare(&self, old: Option<&Admin>, new: Option<&Admin>) -> Result<Readied, StartError> {
        let (Some(address), Some(access), Some(new)) = (self.address, &self.access, new) else {
            return Ok(Readied::default());
        };
        refuse_to_be_open(new, address)?;
        // Those who are in go on if nobody is concerned.
        let is_same = old.is_some_and(|old| {
            (&old.users, &old.tokens, old.protect_monitoring)
                == (&new.users, &new.tokens, new.protect_monitoring)
        });
        let rules = if is_same {
            None
        } else {
            Some((access.clone(), Rules::new(new)?))
        };
        Ok(Readied {
            rules,
            // Read anew each time: certificates are replaced where they are.
            context: new.tls.as_ref().map(https_context).transpose()?,
        })
    }
}

/// What is to hold for the admin service, with nothing left to fail.
#[derive(Default)]
pub(crate) struct Readied {
    rules: Option<(Arc<Access>, Rules)>,
    /// How TLS is spoken, if it is.
    pub(crate) context: Option<SslContext>,
}

impl Readied {
    /// Puts in force who may use it.
    pub(crate) fn admit(self) {
        if let Some((access, rules)) = self.rules {
            access.adopt(rules);
        }
    }
}

/// A name such as localhost may be another address than one thinks.
fn refuse_to_be_open(admin: &Admin, address: SocketAddr) -> Result<(), StartError> {
    if admin.requires_login() || address.ip().to_canonical().is_loopback() {
        Ok(())
    } else {
        Err(StartError::OpenAdmin { address })
    }
}
