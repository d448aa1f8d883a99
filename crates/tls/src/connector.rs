use crate::certificate::Identity;
use crate::context::{self, authorities};
use crate::pin::Pins;
use crate::{Settings, StreamError, TlsError, strength};
use openssl::ssl::{Ssl, SslContext, SslMethod, SslRef, SslVerifyMode, StatusType};
use openssl::x509::verify::X509CheckFlags;
use std::fmt;
use std::net::IpAddr;

/// Settings made ready to connect by: their files are read. Cheap to clone.
///
/// The server's certificate has to be of an authority of `ca`, or of one that the system trusts, and for the host that is
/// connected to, unless the settings say `insecure`. The first of `certificates` is shown to servers that ask for one.
#[derive(Clone)]
pub struct Connector {
    context: SslContext,
    is_insecure: bool,
    pins: Pins,
}

impl Connector {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// When a file cannot be read or used.
    pub fn new(settings: &Settings) -> Result<Self, TlsError> {
        let identity = settings.certificates.first().map(Identity::load).transpose()?;
        let mut context = SslContext::builder(SslMethod::tls_client())?;
        context::configure(&mut context, settings, identity.as_ref())?;
        if settings.insecure {
            context.set_verify(SslVerifyMode::NONE);
        } else {
            context::trust(&mut context, authorities(settings)?.as_deref())?;
            strength::demand(&mut context);
        }
        if let Some(identity) = identity {
            context::show(&mut context, identity)?;
        }
        Ok(Self {
            context: context.build(),
            is_insecure: settings.insecure,
            pins: Pins::of(settings),
        })
    }

    /// The client's side of a new handshake. `server` is who the certificate has to be for, a host or an IP address without
    /// brackets; a host is also named to the server (SNI).
    ///
    /// # Errors
    /// When there is no memory for it, or no server can be called so.
    pub fn start(&self, server: &str) -> Result<Ssl, StreamError> {
        let host = server.strip_suffix('.').unwrap_or(server);
        // The library would take a part of it for the whole.
        if host.is_empty() || host.contains('\0') {
            return Err(StreamError::ServerName(server.to_owned()));
        }
        let mut ssl = Ssl::new(&self.context)?;
        ssl.set_connect_state();
        // As Go does: what a server is told of its certificate by its authority, it may show.
        ssl.set_status_type(StatusType::OCSP)?;
        let address = host.parse::<IpAddr>();
        if address.is_err() {
            ssl.set_hostname(host)?;
        }
        if !self.is_insecure {
            let verification = ssl.param_mut();
            // As Go does: what is in the subject is no host, and `*` stands for a whole label.
            verification
                .set_hostflags(X509CheckFlags::NEVER_CHECK_SUBJECT | X509CheckFlags::NO_PARTIAL_WILDCARDS);
            match address {
                Ok(address) => verification.set_ip(address)?,
                Err(_) => verification.set_host(host)?,
            }
        }
        Ok(ssl)
    }

    /// Whether the key that the server showed in the handshake is one that peers may have.
    pub fn is_pinned(&self, ssl: &SslRef) -> bool {
        self.pins.include_key_of(ssl)
    }

    /// Whether certificates of servers are not looked at: operators should know.
    pub fn is_insecure(&self) -> bool {
        self.is_insecure
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connector")
            .field("is_insecure", &self.is_insecure)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
