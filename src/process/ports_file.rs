//! The file that tells where the server listens, for as long as it does.

use serde::Serialize;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// A ports file on disk.
#[derive(Debug)]
pub(crate) struct PortsFile {
    path: PathBuf,
}

/// Lists of URLs, as the file has them.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Ports {
    nats: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    monitoring: Vec<String>,
}

impl Ports {
    /// Where clients connect, and where the server shows itself over HTTP and HTTPS.
    pub(crate) fn new(clients: SocketAddr, http: Option<SocketAddr>, https: Option<SocketAddr>) -> Self {
        let url = |scheme: &str, address| format!("{scheme}://{}", reachable(address));
        let http = http.map(|address| url("http", address));
        let https = https.map(|address| url("https", address));
        Self {
            nats: vec![url("nats", clients)],
            monitoring: http.into_iter().chain(https).collect(),
        }
    }
}

impl PortsFile {
    /// Where the ports file of this process is in `folder`.
    pub(crate) fn path_in(folder: &Path) -> PathBuf {
        folder.join(format!("{}_{}.ports", super::program_name(), std::process::id()))
    }

    /// Writes the file at `path`: a JSON object of lists of URLs.
    pub(crate) fn write(path: PathBuf, ports: &Ports) -> io::Result<Self> {
        std::fs::write(&path, serde_json::to_string(ports)?)?;
        Ok(Self { path })
    }

    /// Removes the file.
    pub(crate) fn remove(self) -> io::Result<()> {
        std::fs::remove_file(self.path)
    }
}

/// An address that can be connected to from this machine: nobody can connect to 0.0.0.0.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(clients: &str, http: Option<&str>, https: Option<&str>, expected: &str) {
        let address = |text: &str| text.parse().unwrap();
        let ports = Ports::new(address(clients), http.map(address), https.map(address));
        assert_eq!(serde_json::to_string(&ports).unwrap(), expected);
    }

    #[test]
    fn urls_that_can_be_connected_to() {
        check(
            "127.0.0.2:4222",
            None,
            None,
            r#"{"nats":["nats://127.0.0.2:4222"]}"#,
        );
        check(
            "0.0.0.0:5000",
            None,
            None,
            r#"{"nats":["nats://127.0.0.1:5000"]}"#,
        );
        check(
            "[::]:5000",
            Some("0.0.0.0:80"),
            Some("[::]:443"),
            r#"{"nats":["nats://[::1]:5000"],"monitoring":["http://127.0.0.1:80","https://[::1]:443"]}"#,
        );
    }
}
