use crate::patience::PATIENCE;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// An answer over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers, by their names in small letters.
    pub headers: BTreeMap<String, String>,
    /// The body, as text.
    pub body: String,
}

impl Answer {
    /// A header, by its name in small letters; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The body, which is JSON.
    ///
    /// # Panics
    /// When it is none, or the status is none of success.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        match serde_json::from_str(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error} in {}", self.body),
        }
    }
}

/// Asks over HTTP, on a connection for this alone.
///
/// # Panics
/// When nothing that is HTTP is answered.
#[track_caller]
pub fn http(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(address, method, path, headers, "")
}

/// Like [`http`], with a body.
///
/// # Panics
/// When nothing that is HTTP is answered.
#[track_caller]
pub fn send(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).expect("the port is open");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a socket takes it");
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    request.push_str(body);
    stream
        .write_all(request.as_bytes())
        .expect("the request is taken");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("there is an answer");
    parse(&String::from_utf8_lossy(&bytes))
}

#[track_caller]
fn parse(text: &str) -> Answer {
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        panic!("this is no answer: {text:?}");
    };
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|code| code.parse().ok());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    assert!(
        !headers.contains_key("transfer-encoding"),
        "an answer of known length is not sent in chunks"
    );
    Answer {
        status: status.unwrap_or_else(|| panic!("there is no status in {head:?}")),
        headers,
        body: body.to_owned(),
    }
}
