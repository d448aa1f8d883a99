//! A hub: where it is, as the configuration says and as it has told itself.

use parking_lot::Mutex;
use std::net::IpAddr;
use vagus_configs::{LeafRemote, ServerUrl};

/// So many servers that a hub tells of are known. Of more, nobody takes notice.
const DISCOVERED_AT_MOST: usize = 256;

/// A hub that this server connects to. There is one link to it at a time.
#[derive(Debug)]
pub struct Remote {
    settings: LeafRemote,
    urls: Mutex<Urls>,
}

#[derive(Debug)]
struct Urls {
    /// In the order in which they are tried: the first is the one that was tried last, once one was.
    known: Vec<ServerUrl>,
    was_tried: bool,
    /// Who its certificate is for, where it is known by its address alone.
    host_name: Option<String>,
}

impl Urls {
    fn note_host_name(&mut self) {
        if self.host_name.is_none() {
            let is_name = |url: &&ServerUrl| url.host.parse::<IpAddr>().is_err();
            self.host_name = self.known.iter().find(is_name).map(|url| url.host.clone());
        }
    }
}

impl Remote {
    /// That of the configuration, which has at least one URL.
    pub fn new(settings: LeafRemote) -> Self {
        let mut known = settings.urls.clone();
        if settings.randomizes {
            fastrand::shuffle(&mut known);
        }
        let mut urls = Urls {
            known,
            was_tried: false,
            host_name: None,
        };
        urls.note_host_name();
        Self {
            settings,
            urls: Mutex::new(urls),
        }
    }

    /// What the link is to be like.
    pub fn settings(&self) -> &LeafRemote {
        &self.settings
    }

    /// Where to try next: each in turn.
    pub(super) fn next_url(&self) -> ServerUrl {
        let mut urls = self.urls.lock();
        if urls.was_tried {
            urls.known.rotate_left(1);
        }
        urls.was_tried = true;
        Self::first(&urls)
    }

    /// Where it was tried last.
    pub fn current_url(&self) -> ServerUrl {
        Self::first(&self.urls.lock())
    }

    #[allow(clippy::expect_used)] // A remote without a URL is no remote: the configuration sees to it.
    fn first(urls: &Urls) -> ServerUrl {
        urls.known.first().expect("a remote has a URL").clone()
    }

    /// The user and the password to present: those of the current URL, else of the first that has some.
    pub fn login(&self) -> (String, Option<String>) {
        let current = self.current_url();
        let urls = [&current].into_iter().chain(&self.settings.urls);
        let mut logins = urls.filter(|url| !url.user.is_empty());
        logins
            .next()
            .map(|url| (url.user.clone(), url.password.clone()))
            .unwrap_or_default()
    }

    /// Who the certificate of the hub has to be for.
    pub fn host_name(&self) -> String {
        let urls = self.urls.lock();
        urls.host_name.clone().unwrap_or_else(|| Self::first(&urls).host)
    }

    /// The certificate was for somebody else: the next has to be for the host that is connected to.
    pub fn forget_host_name(&self) {
        self.urls.lock().host_name = None;
    }

    /// The hub tells where it and others of its cluster can be reached, as `host:port`: right away, and by WebSocket.
    pub fn discover(&self, addresses: &[String], of_websocket: &[String]) {
        // As in nats-server, a hub that says neither has nothing new to tell.
        if !self.settings.discovers || addresses.is_empty() && of_websocket.is_empty() {
            return;
        }
        // All are of WebSocket, or none is.
        let first = self.settings.urls.first().filter(|url| url.speaks_websocket());
        let (scheme, addresses) = match first {
            Some(url) => (&*url.scheme, of_websocket),
            None => ("nats-leaf", addresses),
        };
        let parsed = |address: &String| ServerUrl::parse(&format!("{scheme}://{address}"));
        let is_configured = |url: &ServerUrl| {
            let mut configured = self.settings.urls.iter();
            configured.any(|known| known.host == url.host && known.port == url.port)
        };
        let discovered = addresses.iter().take(DISCOVERED_AT_MOST).filter_map(parsed);
        let mut known: Vec<ServerUrl> = discovered
            .filter(|url| url.port.is_some() && !is_configured(url))
            .collect();
        known.extend(self.settings.urls.iter().cloned());
        let mut urls = self.urls.lock();
        if urls.was_tried {
            // The one that was tried last stays the first, so that the next is another.
            let current = Self::first(&urls);
            match known
                .iter()
                .position(|url| url.host == current.host && url.port == current.port)
            {
                Some(place) => known.rotate_left(place),
                None => known.insert(0, current),
            }
        }
        urls.known = known;
        urls.note_host_name();
    }
}

#[cfg(test)]
mod tests {
    use super::Remote;
    use vagus_configs::{LeafRemote, ServerUrl};

    fn remote(urls: &[&str]) -> Remote {
        Remote::new(LeafRemote {
            urls: urls.iter().map(|url| ServerUrl::parse(url).unwrap()).collect(),
            randomizes: false,
            ..LeafRemote::default()
        })
    }

    fn tries(remote: &Remote, count: usize) -> String {
        let tried: Vec<String> = (0..count).map(|_| remote.next_url().to_string()).collect();
        tried.join(" ")
    }

    #[test]
    fn each_is_tried_in_turn() {
        let remote = remote(&["n://a:1", "n://b:2"]);
        assert_eq!(tries(&remote, 3), "a:1 b:2 a:1");
        assert_eq!(remote.current_url().to_string(), "a:1");
    }

    #[test]
    fn a_hub_tells_of_more() {
        let remote = remote(&["n://u:p@a:1", "n://b:2"]);
        tries(&remote, 1);
        let told = ["c:3", "a:1", "x", "[::1]:4"].map(String::from);
        remote.discover(&told, &["d:5".into()]);
        assert_eq!(tries(&remote, 4), "b:2 c:3 [::1]:4 a:1");
        tries(&remote, 2);
        assert_eq!(remote.login(), ("u".into(), Some("p".into())), "{remote:?}");
        // What it told of once may be gone.
        remote.discover(&["a:1".into()], &[]);
        assert_eq!(tries(&remote, 3), "a:1 b:2 c:3");
        let stubborn = Remote::new(LeafRemote {
            discovers: false,
            ..remote.settings().clone()
        });
        stubborn.discover(&["c:3".into()], &[]);
        assert!(!format!("{stubborn:?}").contains("c:3"));
    }

    #[test]
    fn a_hub_of_websocket_tells_of_more_of_these() {
        let remote = remote(&["wss://a:1/path"]);
        tries(&remote, 1);
        remote.discover(&["b:2".into()], &["c:3".into(), "a:1".into()]);
        assert_eq!(tries(&remote, 2), "c:3 a:1");
        tries(&remote, 1);
        assert_eq!(remote.current_url().scheme, "wss");
    }

    #[test]
    fn a_certificate_is_for_the_first_name() {
        let remote = remote(&["n://127.0.0.1:1", "n://hub.example:2"]);
        tries(&remote, 1);
        assert_eq!(remote.host_name(), "hub.example");
        remote.forget_host_name();
        assert_eq!(remote.host_name(), "127.0.0.1");
    }
}
