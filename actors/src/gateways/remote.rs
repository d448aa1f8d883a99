//! Another cluster: what it is called, and where its servers are, as the configuration says and as they have told.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use vagus_configs::{GatewayRemote, ServerUrl};

/// So many servers that others tell of are known of one cluster. Of more, nobody takes notice.
const DISCOVERED_AT_MOST: usize = 256;

/// Another cluster, to which this server has one connection at most.
#[derive(Debug)]
pub struct RemoteCluster {
    name: Box<str>,
    /// What the configuration says of it.
    configured: Option<GatewayRemote>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Where its servers are, beside what the configuration says.
    discovered: Vec<ServerUrl>,
    /// Where the addresses that were found last came from.
    found: HashMap<SocketAddr, ServerUrl>,
    /// Who the certificates are for where an address alone is known.
    host_name: Option<String>,
}

impl RemoteCluster {
    /// As the configuration says.
    pub(super) fn configured(remote: GatewayRemote) -> Self {
        let cluster = Self {
            name: remote.name.as_str().into(),
            configured: Some(remote),
            known: Mutex::default(),
        };
        cluster.note_host_name();
        cluster
    }

    /// One that others have told of.
    pub(super) fn told_of(name: &str, urls: &[String]) -> Self {
        let cluster = Self {
            name: name.into(),
            configured: None,
            known: Mutex::default(),
        };
        cluster.discover(urls);
        cluster
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the configuration names it.
    pub fn is_configured(&self) -> bool {
        self.configured.is_some()
    }

    /// What the configuration says of it, if it does.
    pub fn settings(&self) -> Option<&GatewayRemote> {
        self.configured.as_ref()
    }

    pub(super) fn kind_in_words(&self) -> &'static str {
        match self.is_configured() {
            true => "explicit",
            false => "implicit",
        }
    }

    fn all(&self, known: &Known) -> Vec<ServerUrl> {
        let configured = self.configured.iter().flat_map(|remote| &remote.urls);
        configured.chain(&known.discovered).cloned().collect()
    }

    /// Where its servers are: `host:port`.
    pub fn urls(&self) -> Vec<String> {
        self.all(&self.known.lock())
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// Whether there is a place to look for it.
    pub(super) fn is_somewhere(&self) -> bool {
        !self.all(&self.known.lock()).is_empty()
    }

    fn parsed(&self, known: &Known, urls: &[String]) -> Vec<ServerUrl> {
        let mut all = self.all(known);
        let mut new = Vec::new();
        for url in urls.iter().take(DISCOVERED_AT_MOST) {
            let url = ServerUrl::parse(&format!("nats://{url}")).filter(|url| url.port.is_some());
            let Some(url) = url else { continue };
            let is_known = |other: &ServerUrl| other.host == url.host && other.port == url.port;
            if !all.iter().any(is_known) {
                all.push(url.clone());
                new.push(url);
            }
        }
        new
    }

    /// Others tell where servers of it are, too.
    pub(super) fn discover(&self, urls: &[String]) {
        let mut known = self.known.lock();
        let new = self.parsed(&known, urls);
        let room = DISCOVERED_AT_MOST.saturating_sub(known.discovered.len());
        known.discovered.extend(new.into_iter().take(room));
        drop(known);
        self.note_host_name();
    }

    /// A server of it tells where all are.
    pub(super) fn replace(&self, urls: &[String]) {
        let mut known = self.known.lock();
        known.discovered = Vec::new();
        known.discovered = self.parsed(&known, urls);
        drop(known);
        self.note_host_name();
    }

    fn note_host_name(&self) {
        let mut known = self.known.lock();
        if known.host_name.is_none() {
            let is_name = |url: &&ServerUrl| url.host.parse::<IpAddr>().is_err();
            known.host_name = self.all(&known).iter().find(is_name).map(|url| url.host.clone());
        }
    }

    /// The addresses of all its servers.
    pub(super) fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let urls = self.all(&self.known.lock());
        let (mut found, mut error) = (HashMap::new(), None);
        for url in urls {
            match (&*url.host, url.port.unwrap_or_default()).to_socket_addrs() {
                Ok(addresses) => found.extend(addresses.map(|address| (address, url.clone()))),
                Err(source) => {
                    log::error!(
                        "Error getting IP for {} gateway {:?} ({url}): {source}",
                        self.kind_in_words(),
                        self.name
                    );
                    error = Some(source);
                }
            }
        }
        let addresses: Vec<SocketAddr> = found.keys().copied().collect();
        self.known.lock().found = found;
        match (addresses.is_empty(), error) {
            (true, Some(error)) => Err(error),
            _ => Ok(addresses),
        }
    }

    /// The URL that an address was found by.
    fn url_of(&self, address: SocketAddr) -> Option<ServerUrl> {
        self.known.lock().found.get(&address).cloned()
    }

    /// What the server at an address is called where it was found.
    pub(super) fn name_of(&self, address: SocketAddr) -> String {
        self.url_of(address)
            .map_or_else(|| address.to_string(), |url| url.to_string())
    }

    /// The user and the password to present there, if the configuration has some.
    pub fn login(&self, address: SocketAddr) -> Option<(String, String)> {
        let url = self.url_of(address).filter(|url| !url.user.is_empty())?;
        Some((url.user, url.password.unwrap_or_default()))
    }

    /// Who the certificate of the server at an address has to be for.
    pub fn host_name(&self, address: SocketAddr) -> String {
        let host = self
            .url_of(address)
            .map_or_else(|| address.ip().to_string(), |url| url.host);
        let known = self.known.lock();
        match host.parse::<IpAddr>() {
            Ok(_) => known.host_name.clone().unwrap_or(host),
            Err(_) => host,
        }
    }

    /// The certificate was for somebody else: the next has to be for the host that is connected to.
    pub fn forget_host_name(&self) {
        self.known.lock().host_name = None;
    }
}

#[cfg(test)]
mod tests {
    use super::{DISCOVERED_AT_MOST, RemoteCluster};
    use vagus_configs::{GatewayRemote, ServerUrl};

    fn configured(urls: &[&str]) -> RemoteCluster {
        RemoteCluster::configured(GatewayRemote {
            name: "B".into(),
            urls: urls.iter().map(|url| ServerUrl::parse(url).unwrap()).collect(),
            tls: None,
        })
    }

    fn texts(urls: &[&str]) -> Vec<String> {
        urls.iter().map(|url| (*url).to_owned()).collect()
    }

    #[test]
    fn servers_tell_where_others_are() {
        let remote = configured(&["nats://u:p@127.0.0.1:1"]);
        remote.discover(&texts(&[
            "127.0.0.1:1",
            "127.0.0.1:2",
            "x",
            "[::1]:3",
            "127.0.0.1:2",
        ]));
        assert_eq!(remote.urls(), ["127.0.0.1:1", "127.0.0.1:2", "[::1]:3"]);
        // What one of its servers says holds.
        remote.replace(&texts(&["127.0.0.1:4", "127.0.0.1:1"]));
        assert_eq!(remote.urls(), ["127.0.0.1:1", "127.0.0.1:4"]);
        let addresses = remote.resolve().unwrap();
        assert_eq!(addresses.len(), 2);
        let [first, second] = ["127.0.0.1:1", "127.0.0.1:4"].map(|address| address.parse().unwrap());
        assert_eq!(remote.login(first), Some(("u".into(), "p".into())));
        assert_eq!(remote.login(second), None);
    }

    #[test]
    fn what_others_tell_is_bounded() {
        let remote = RemoteCluster::told_of("B", &[]);
        assert!(!remote.is_somewhere());
        for number in 1..1000 {
            remote.discover(&[format!("a:{number}")]);
        }
        assert_eq!(remote.urls().len(), DISCOVERED_AT_MOST);
    }

    #[test]
    fn certificates_are_for_names() {
        let remote = configured(&["nats://127.0.0.1:1", "nats://b.example:2"]);
        remote.known.lock().found = [(
            "127.0.0.1:1".parse().unwrap(),
            ServerUrl::parse("nats://127.0.0.1:1").unwrap(),
        )]
        .into();
        let address = "127.0.0.1:1".parse().unwrap();
        assert_eq!(remote.host_name(address), "b.example");
        remote.forget_host_name();
        assert_eq!(remote.host_name(address), "127.0.0.1");
    }
}
