//! A GET of HTTP/1.1, as much of it as asking a monitoring port takes; nothing it reads is unbounded.

use super::options::{Endpoint, TlsOptions};
use openssl::error::ErrorStack;
use openssl::ssl::{HandshakeError, SslConnector, SslFiletype, SslMethod, SslVerifyMode};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use thiserror::Error;

/// How long one question may take, from connecting to the end of the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes of an answer's head, and of one of its lines.
const MAX_HEAD: u64 = 64 * 1024;

/// The most bytes of an answer: a line for each of some 100,000 connections.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// How much of what a server says to its refusal is shown.
const SHOWN: usize = 80;

/// Why there is no answer.
#[derive(Debug, Error)]
pub(in crate::commands) enum HttpError {
    #[error("{0}")]
    Connect(io::Error),
    #[error("cannot use {0}: {1}")]
    File(PathBuf, ErrorStack),
    #[error("TLS: {0}")]
    Setup(#[from] ErrorStack),
    #[error("TLS: {0}")]
    Handshake(String),
    #[error("the connection broke: {0}")]
    Lost(#[from] io::Error),
    #[error("what answers there does not speak HTTP")]
    Malformed,
    #[error("the answer is too large")]
    TooLarge,
    #[error("the server refuses with {status}: {reason}")]
    Refused { status: u16, reason: String },
}

/// Asks one server.
pub(in crate::commands) struct Client {
    endpoint: Endpoint,
    tls: Option<SslConnector>,
}

impl Client {
    /// # Errors
    /// When a file that TLS is to use cannot be used.
    pub(in crate::commands) fn new(endpoint: Endpoint) -> Result<Self, HttpError> {
        let tls = endpoint.tls.as_ref().map(connector).transpose()?;
        Ok(Self { endpoint, tls })
    }

    /// The body of a successful answer.
    pub(in crate::commands) fn get(&self, target: &str) -> Result<Vec<u8>, HttpError> {
        let deadline = Instant::now() + PATIENCE;
        let Endpoint { host, port, .. } = &self.endpoint;
        let socket = connect(host, *port).map_err(HttpError::Connect)?;
        let mut stream = Timed { socket, deadline };
        match &self.tls {
            None => {
                let body = ask(&mut stream, host, *port, target);
                // The server may have closed it already.
                let _ = stream.socket.shutdown(Shutdown::Both);
                body
            }
            Some(connector) => {
                let mut configuration = connector.configure()?;
                if self.endpoint.tls.as_ref().is_some_and(|tls| tls.insecure) {
                    configuration.set_verify_hostname(false);
                }
                let mut stream = configuration.connect(host, stream).map_err(|error| match error {
                    HandshakeError::SetupFailure(error) => HttpError::Setup(error),
                    HandshakeError::Failure(stream) | HandshakeError::WouldBlock(stream) => {
                        HttpError::Handshake(stream.error().to_string())
                    }
                })?;
                let body = ask(&mut stream, host, *port, target);
                // The answer is here; whether the farewell arrives does not matter.
                let _ = stream.shutdown();
                body
            }
        }
    }
}

fn connector(options: &TlsOptions) -> Result<SslConnector, HttpError> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    if let Some(path) = &options.authorities {
        builder
            .set_ca_file(path)
            .map_err(|error| HttpError::File(path.clone(), error))?;
    }
    if let (Some(certificate), Some(key)) = (&options.certificate, &options.key) {
        builder
            .set_certificate_chain_file(certificate)
            .map_err(|error| HttpError::File(certificate.clone(), error))?;
        builder
            .set_private_key_file(key, SslFiletype::PEM)
            .map_err(|error| HttpError::File(key.clone(), error))?;
    }
    if options.insecure {
        builder.set_verify(SslVerifyMode::NONE);
    }
    Ok(builder.build())
}

/// Tries each address of the host.
fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(socket) => return Ok(socket),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// A socket that gives up at a certain time.
#[derive(Debug)]
struct Timed {
    socket: TcpStream,
    deadline: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(Some(left))
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(self.left()?)?;
        self.socket.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(self.left()?)?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn ask(stream: &mut (impl Read + Write), host: &str, port: u16, target: &str) -> Result<Vec<u8>, HttpError> {
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: vagus/{}\r\nAccept: application/json\r\n\
         Connection: close\r\n\r\n",
        vagus::VERSION
    );
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    answer(&mut BufReader::new(stream))
}

/// Reads one answer.
fn answer(stream: &mut impl BufRead) -> Result<Vec<u8>, HttpError> {
    let (status, framing) = loop {
        let (status, framing) = head(stream)?;
        // An interim answer; the real one follows.
        if !(100..200).contains(&status) {
            break (status, framing);
        }
    };
    let body = body(stream, framing)?;
    if status == 200 {
        return Ok(body);
    }
    let line = body
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .next()
        .unwrap_or_default();
    let reason = String::from_utf8_lossy(line).chars().take(SHOWN).collect();
    Err(HttpError::Refused { status, reason })
}

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    UntilClosed,
}

fn head(stream: &mut impl BufRead) -> Result<(u16, Framing), HttpError> {
    let mut head = stream.take(MAX_HEAD);
    let first = line(&mut head)?;
    let status = first
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1))
        .and_then(|status| status.parse().ok())
        .ok_or(HttpError::Malformed)?;
    let mut framing = Framing::UntilClosed;
    loop {
        let field = line(&mut head)?;
        if field.is_empty() {
            return Ok((status, framing));
        }
        let (name, value) = field.split_once(':').ok_or(HttpError::Malformed)?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.eq_ignore_ascii_case("chunked") {
                return Err(HttpError::Malformed);
            }
            framing = Framing::Chunked;
        } else if name.eq_ignore_ascii_case("content-length") && framing != Framing::Chunked {
            framing = Framing::Length(value.parse().map_err(|_| HttpError::Malformed)?);
        }
    }
}

fn line(stream: &mut impl BufRead) -> Result<String, HttpError> {
    let mut line = Vec::new();
    stream.take(MAX_HEAD).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(HttpError::Malformed);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| HttpError::Malformed)
}

fn body(stream: &mut impl BufRead, framing: Framing) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    match framing {
        Framing::Length(length) => append(stream, length, &mut body)?,
        Framing::UntilClosed => {
            stream.take(MAX_BODY as u64 + 1).read_to_end(&mut body)?;
            if body.len() > MAX_BODY {
                return Err(HttpError::TooLarge);
            }
        }
        Framing::Chunked => loop {
            let size = line(stream)?;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| HttpError::Malformed)?;
            if size == 0 {
                // Trailers and the end of the connection do not matter.
                return Ok(body);
            }
            append(stream, size, &mut body)?;
            if !line(stream)?.is_empty() {
                return Err(HttpError::Malformed);
            }
        },
    }
    Ok(body)
}

/// Exactly this many bytes more. Memory is taken as they come, not as they are announced.
fn append(stream: &mut impl BufRead, length: usize, body: &mut Vec<u8>) -> Result<(), HttpError> {
    if length > MAX_BODY - body.len() {
        return Err(HttpError::TooLarge);
    }
    let read = stream.take(length as u64).read_to_end(body)?;
    if read < length {
        return Err(HttpError::Lost(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::answer;

    fn told(text: &str) -> String {
        match answer(&mut text.as_bytes()) {
            Ok(body) => String::from_utf8(body).unwrap(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn answers() {
        for (text, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}trailing", "{}"),
            ("HTTP/1.0 200 OK\r\n\r\n{all}", "{all}"),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
                "abc0123456789",
            ),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length:1\r\n\r\nx",
                "x",
            ),
            (
                "HTTP/1.1 400 Bad Request\r\n\r\nno such sort\nmore",
                "error: the server refuses with 400: no such sort",
            ),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_answer() {
        let malformed = "error: what answers there does not speak HTTP";
        for text in [
            "",
            "INFO {}\r\n",
            "HTTP/1.1\r\n\r\n",
            "HTTP/1.1 two hundred\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
        ] {
            assert_eq!(told(text), malformed, "{text:?}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\n{}", "a: b\r\n".repeat(20_000));
        assert_eq!(told(&endless), malformed);
        for text in [
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        ] {
            assert_eq!(told(text), "error: the answer is too large", "{text:?}");
        }
        assert!(told("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc").contains("broke"));
    }
}
