//! Asking the monitoring port of a server. What it may take is bounded in bytes and time; it follows no redirect, and
//! no proxy that the environment names comes between.

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::x509::X509;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};

/// How long one question may take, from looking for the host to the end of the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes of an answer's head.
const MAX_HEAD: usize = 64 * 1024;

/// The most bytes of an answer: a line for each of some 100,000 connections.
const MAX_BODY: u64 = 64 * 1024 * 1024;

/// How much of what a server says to its refusal is shown.
const SHOWN: usize = 80;

/// Why there is no answer.
#[derive(Debug, Error)]
pub(super) enum HttpError {
    #[error("cannot use {0}: {1}")]
    File(PathBuf, io::Error),
    #[error("TLS: {0}")]
    Tls(ureq::Error),
    #[error("{0}")]
    Unanswered(ureq::Error),
    #[error("the server refuses with {status}: {reason}")]
    Refused { status: u16, reason: String },
}

impl From<ureq::Error> for HttpError {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::NativeTls(_) | ureq::Error::Tls(_) | ureq::Error::Der(_) => Self::Tls(error),
            error => Self::Unanswered(error),
        }
    }
}

/// Where the server is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Without the brackets of an address of IPv6.
    pub(super) host: String,
    pub(super) port: u16,
    /// HTTPS, and with what.
    pub(super) tls: Option<TlsOptions>,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port, .. } = self;
        match host.contains(':') {
            true => write!(formatter, "[{host}]:{port}"),
            false => write!(formatter, "{host}:{port}"),
        }
    }
}

/// Files in PEM.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct TlsOptions {
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) authorities: Option<PathBuf>,
    /// Any certificate will do.
    pub(super) insecure: bool,
}

/// Asks one server.
pub(super) struct Client {
    agent: Agent,
    /// The URL without what is asked for.
    origin: String,
}

impl Client {
    /// # Errors
    /// When a file that TLS is to use cannot be used.
    pub(super) fn new(endpoint: &Endpoint) -> Result<Self, HttpError> {
        let scheme = if endpoint.tls.is_some() { "https" } else { "http" };
        let agent = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .max_response_header_size(MAX_HEAD)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // A server has few places for those who ask, and the next question may be a while off.
            .max_idle_connections(0)
            .user_agent(format!("vagus/{}", vagus::VERSION))
            .accept("application/json")
            .tls_config(tls(endpoint.tls.as_ref())?)
            .build()
            .new_agent();
        Ok(Self {
            agent,
            origin: format!("{scheme}://{endpoint}"),
        })
    }

    /// The body of a successful answer. What is asked for begins with a slash.
    pub(super) fn get(&self, target: &str) -> Result<Vec<u8>, HttpError> {
        let mut response = self.agent.get(format!("{}{target}", self.origin)).call()?;
        let body = response.body_mut().with_config().limit(MAX_BODY).read_to_vec()?;
        match response.status().as_u16() {
            200 => Ok(body),
            status => Err(HttpError::Refused {
                status,
                reason: first_line(&body),
            }),
        }
    }
}

fn first_line(body: &[u8]) -> String {
    let line = body.split(|byte| matches!(byte, b'\r' | b'\n')).next();
    String::from_utf8_lossy(line.unwrap_or_default())
        .chars()
        .take(SHOWN)
        .collect()
}

fn tls(options: Option<&TlsOptions>) -> Result<TlsConfig, HttpError> {
    let builder = TlsConfig::builder()
        .provider(TlsProvider::NativeTls)
        .root_certs(RootCerts::PlatformVerifier);
    let Some(options) = options else {
        return Ok(builder.build());
    };
    let mut builder = builder.disable_verification(options.insecure);
    if let Some(path) = &options.authorities {
        builder = builder.root_certs(RootCerts::from(certificates(path)?));
    }
    if let (Some(certificate), Some(key)) = (&options.certificate, &options.key) {
        let identity = ClientCert::new_with_certs(&certificates(certificate)?, private_key(key)?);
        builder = builder.client_cert(Some(identity));
    }
    Ok(builder.build())
}

/// All that are in a file; it has to have one.
fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, HttpError> {
    let failed = |error| HttpError::File(path.to_owned(), error);
    let pem = fs::read(path).map_err(failed)?;
    let read = || {
        let certificates = X509::stack_from_pem(&pem)?;
        let owned = |certificate: X509| Ok(Certificate::from_der(&certificate.to_der()?).to_owned());
        let read: Result<Vec<_>, ErrorStack> = certificates.into_iter().map(owned).collect();
        read
    };
    let certificates = read().map_err(|error| failed(error.into()))?;
    if certificates.is_empty() {
        return Err(failed(io::Error::other("there is no certificate in it")));
    }
    Ok(certificates)
}

/// Whatever form the file has it in.
fn private_key(path: &Path) -> Result<PrivateKey<'static>, HttpError> {
    let failed = |error| HttpError::File(path.to_owned(), error);
    let pem = fs::read(path).map_err(failed)?;
    let key = PKey::private_key_from_pem(&pem)
        .and_then(|key| key.private_key_to_pem_pkcs8())
        .map_err(|error| failed(error.into()))?;
    PrivateKey::from_pem(&key).map_err(|error| failed(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::{Client, Endpoint, MAX_HEAD};
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread;

    /// What a client that asks makes of this answer.
    fn told(answer: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Endpoint {
            host: "127.0.0.1".to_owned(),
            port: listener.local_addr().unwrap().port(),
            tls: None,
        };
        thread::scope(|scope| {
            let server = scope.spawn(|| {
                let (stream, _) = listener.accept().unwrap();
                let mut request = BufReader::new(&stream).lines().map(Result::unwrap);
                let first = request.next().unwrap();
                assert!(request.any(|line| line.is_empty()));
                // The client closes the connection before it has read an answer that is too long.
                let _ = (&stream).write_all(answer.as_bytes());
                first
            });
            let told = match Client::new(&endpoint).unwrap().get("/varz?a=b") {
                Ok(body) => String::from_utf8(body).unwrap(),
                Err(error) => format!("error: {error}"),
            };
            assert_eq!(server.join().unwrap(), "GET /varz?a=b HTTP/1.1");
            told
        })
    }

    #[test]
    fn answers() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}trailing", "{}"),
            ("HTTP/1.0 200 OK\r\n\r\n{all}", "{all}"),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
                "abc0123456789",
            ),
            (
                "HTTP/1.1 400 Bad Request\r\n\r\nno such sort\nmore",
                "error: the server refuses with 400: no such sort",
            ),
            (
                "HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n",
                "error: the server refuses with 302: ",
            ),
        ] {
            assert_eq!(told(answer), expected, "{answer}");
        }
    }

    #[test]
    fn what_is_no_answer() {
        let endless = format!("HTTP/1.1 200 OK\r\n{}", "a: b\r\n".repeat(MAX_HEAD));
        for answer in [
            "",
            "INFO {}\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
            &endless,
        ] {
            let told = told(answer);
            assert!(told.starts_with("error: "), "{answer:.40}: {told}");
        }
    }
}
