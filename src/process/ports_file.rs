//! The file that tells where the server listens, for as long as it does.

use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// A ports file on disk.
#[derive(Debug)]
pub(crate) struct PortsFile {
    path: PathBuf,
}

impl PortsFile {
    /// Where the ports file of this process is in `folder`.
    pub(crate) fn path_in(folder: &Path) -> PathBuf {
        folder.join(format!("{}_{}.ports", super::program_name(), std::process::id()))
    }

    /// Writes the file at `path`: a JSON object of lists of URLs.
    pub(crate) fn write(path: PathBuf, clients: SocketAddr) -> io::Result<Self> {
        std::fs::write(&path, contents(clients))?;
        Ok(Self { path })
    }

    /// Removes the file.
    pub(crate) fn remove(self) -> io::Result<()> {
        std::fs::remove_file(self.path)
    }
}

fn contents(clients: SocketAddr) -> String {
    let mut json = String::new();
    // Addresses hold nothing that JSON would have to escape.
    let _ = write!(json, r#"{{"nats":["nats://{}"]}}"#, reachable(clients));
    json
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

    #[test]
    fn urls_that_can_be_connected_to() {
        for (address, expected) in [
            ("127.0.0.2:4222", r#"{"nats":["nats://127.0.0.2:4222"]}"#),
            ("0.0.0.0:5000", r#"{"nats":["nats://127.0.0.1:5000"]}"#),
            ("[::]:5000", r#"{"nats":["nats://[::1]:5000"]}"#),
        ] {
            assert_eq!(contents(address.parse().unwrap()), expected);
        }
    }
}
