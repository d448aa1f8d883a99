use openssl::ssl::{Ssl, SslContext, SslMethod, SslStream, SslVerifyMode, SslVersion};
use std::net::TcpStream;
use vagus_tls::testing::{Authority, Issued};

/// How a client speaks TLS: without a certificate, and with whatever version there is, unless said otherwise.
#[derive(Debug, Clone)]
#[must_use]
pub struct Connector {
    authority: Authority,
    shows: Option<Issued>,
    host: Option<String>,
    version: Option<SslVersion>,
}

impl Connector {
    /// Trusts the servers that this authority trusts.
    pub fn trusting(authority: &Authority) -> Self {
        Self {
            authority: authority.clone(),
            shows: None,
            host: None,
            version: None,
        }
    }

    /// Shows this certificate.
    pub fn showing(mut self, certificate: &Issued) -> Self {
        self.shows = Some(certificate.clone());
        self
    }

    /// Asks for the server of this name.
    pub fn host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    /// Speaks this version only.
    pub fn version(mut self, version: SslVersion) -> Self {
        self.version = Some(version);
        self
    }

    /// Begins to speak it.
    pub(crate) fn connect(&self, socket: TcpStream) -> Result<SslStream<TcpStream>, String> {
        let mut context = SslContext::builder(SslMethod::tls_client()).expect("there is memory");
        context.set_verify(SslVerifyMode::PEER);
        context
            .cert_store_mut()
            .add_cert(self.authority.certificate().clone())
            .expect("an authority is one");
        if let Some(shown) = &self.shows {
            context
                .set_certificate(&shown.certificate)
                .expect("a certificate is one");
            context.set_private_key(&shown.key).expect("a key is one");
        }
        if let Some(version) = self.version {
            context
                .set_min_proto_version(Some(version))
                .and_then(|()| context.set_max_proto_version(Some(version)))
                .expect("the version is known");
        }
        let mut ssl = Ssl::new(&context.build()).expect("there is memory");
        if let Some(host) = &self.host {
            ssl.set_hostname(host).expect("a host is one");
        }
        ssl.connect(socket).map_err(|error| error.to_string())
    }
}
