//! The file that tells where the server listens, for as long as it does.

use serde::Serialize;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    websocket: Vec<String>,
}

impl Ports {
    /// Where clients connect, by TLS alone or not, where the server shows itself over HTTP and HTTPS, and where clients
    /// connect that speak WebSocket, by TLS or not. `own` are the
    /// addresses of this machine: what listens on all of them is listed with each.
    pub(crate) fn new(
        (clients, require_tls): (SocketAddr, bool),
        http: Option<SocketAddr>,
        https: Option<SocketAddr>,
        websocket: Option<(SocketAddr, bool)>,
        own: &[IpAddr],
    ) -> Self {
        let urls = |scheme: &str, address: SocketAddr| -> Vec<String> {
            let url = |ip: &IpAddr| format!("{scheme}://{}", SocketAddr::new(*ip, address.port()));
            match address.ip() {
                all if all.is_unspecified() => own.iter().map(url).collect(),
                one => vec![url(&one)],
            }
        };
        let http = http.map(|address| urls("http", address));
        let https = https.map(|address| urls("https", address));
        Self {
            nats: urls(if require_tls { "tls" } else { "nats" }, clients),
            monitoring: http.into_iter().chain(https).flatten().collect(),
            websocket: websocket.map_or_else(Vec::new, |(address, is_secure)| {
                urls(if is_secure { "wss" } else { "ws" }, address)
            }),
        }
    }
}

/// The addresses of this machine, those of one interface behind each other, that of the loopback interface at the
/// start. That one alone if the system does not say.
pub(crate) fn own_addresses() -> Vec<IpAddr> {
    let mut interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    interfaces.sort_by_key(|interface| (!interface.is_loopback(), interface.index));
    let mut addresses: Vec<IpAddr> = interfaces.iter().map(if_addrs::Interface::ip).collect();
    if addresses.is_empty() {
        addresses.push(Ipv4Addr::LOCALHOST.into());
    }
    addresses
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(clients: &str, http: Option<&str>, https: Option<&str>, expected: &str) {
        let own = ["127.0.0.1", "::1", "192.0.2.2"].map(|ip| ip.parse().unwrap());
        let address = |text: &str| text.parse().unwrap();
        let clients = (address(clients), false);
        let ports = Ports::new(clients, http.map(address), https.map(address), None, &own);
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
        for all in ["0.0.0.0:5000", "[::]:5000"] {
            check(
                all,
                Some("127.0.0.1:80"),
                Some("[::1]:443"),
                r#"{"nats":["nats://127.0.0.1:5000","nats://[::1]:5000","nats://192.0.2.2:5000"],"monitoring":["http://127.0.0.1:80","https://[::1]:443"]}"#,
            );
        }
    }

    #[test]
    fn clients_that_speak_websocket() {
        let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
        for (is_secure, expected) in [(false, "ws://127.0.0.1:1"), (true, "wss://127.0.0.1:1")] {
            let ports = Ports::new((address, false), None, None, Some((address, is_secure)), &[]);
            assert_eq!(ports.websocket, [expected]);
        }
    }

    #[test]
    fn clients_that_have_to_speak_tls() {
        let ports = Ports::new(("127.0.0.1:1".parse().unwrap(), true), None, None, None, &[]);
        assert_eq!(ports.nats, ["tls://127.0.0.1:1"]);
    }

    #[test]
    fn this_machine_has_addresses() {
        assert_eq!(own_addresses()[0], IpAddr::from(Ipv4Addr::LOCALHOST));
    }
}
