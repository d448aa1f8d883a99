use crate::{Listen, ListenerSettings, Port, ServerUrl, WriteTimeout};
use std::fmt;
use std::time::Duration;
use vagus_auth::permission::Permissions;
use vagus_compression::mode::Mode;

/// How the server is a part of a cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// What the cluster is called; a name is made up when not set.
    pub name: Option<String>,
    /// Where and how other servers connect.
    pub listener: ListenerSettings,
    /// The servers to connect to.
    pub routes: Vec<RouteUrl>,
    /// Whether clients are told of the other servers.
    pub advertises: bool,
    /// How often a server is tried that others tell of; 0 when not set.
    pub connect_retries: u64,
    /// Whether the wait between two attempts grows.
    pub connect_backoff: bool,
    /// How often a silent route is asked whether it is still there.
    pub ping_interval: Duration,
    /// How many connections there are to each other server; 0 for one alone, which carries everything.
    pub pool_size: usize,
    /// The accounts that have connections of their own, beside that of the system.
    pub accounts: Vec<String>,
    /// How many PINGs may go unanswered; as many as those of clients when not set.
    pub ping_max: Option<u32>,
    /// How long what waits for another server may take to be written; as long as for clients when not set.
    pub write_deadline: Option<Duration>,
    /// What happens then.
    pub write_timeout: WriteTimeout,
    /// How routes are compressed.
    pub compression: Mode,
    /// What this server wants to have of other servers, as what is published, and lets them have, as what is subscribed to.
    /// Everything when not set.
    pub permissions: Option<Permissions>,
}

/// Where a server of the cluster is, with the user and the password to present there. Shown without the password.
#[derive(Clone, PartialEq, Eq)]
pub struct RouteUrl {
    /// A name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The user; nothing for none.
    pub user: String,
    /// The password.
    pub password: String,
}

/// A route is asked no less often.
pub const LONGEST_ROUTE_PING_INTERVAL: Duration = Duration::from_secs(30);

/// There are no more connections to one server.
pub const LARGEST_POOL: usize = 256;

/// As many as nats-server has.
const POOL_SIZE: usize = 3;

/// The port where servers of a cluster expect each other.
const CLUSTER_PORT: u16 = 6222;

impl Default for Cluster {
    fn default() -> Self {
        Self {
            name: None,
            listener: ListenerSettings::at(Listen {
                port: Port::Fixed(CLUSTER_PORT),
                ..Listen::default()
            }),
            routes: Vec::new(),
            advertises: true,
            connect_retries: 0,
            connect_backoff: false,
            ping_interval: LONGEST_ROUTE_PING_INTERVAL,
            pool_size: POOL_SIZE,
            accounts: Vec::new(),
            ping_max: None,
            write_deadline: None,
            write_timeout: WriteTimeout::Retry,
            compression: Mode::Accept,
            permissions: None,
        }
    }
}

impl RouteUrl {
    /// Of `scheme://user:password@host:port`, of which the scheme may be anything, and user and password may be left out.
    pub fn parse(url: &str) -> Option<Self> {
        let url = ServerUrl::parse(url)?;
        Some(Self {
            host: url.host,
            port: url.port?,
            user: url.user,
            password: url.password.unwrap_or_default(),
        })
    }
}

impl fmt::Debug for RouteUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::RouteUrl;

    #[test]
    fn routes_are_urls() {
        for (url, expected) in [
            ("nats-route://127.0.0.1:6222", Some(("127.0.0.1", 6222, "", ""))),
            ("nats://u:p@a.b:1/", Some(("a.b", 1, "u", "p"))),
            ("nats://u%40x:p%3Aw@[::1]:1", Some(("::1", 1, "u@x", "p:w"))),
            (" tls://a:1 ", Some(("a", 1, "", ""))),
            ("a:1", None),
            ("nats://a", None),
            ("nats://a:0", None),
            ("nats://a:x", None),
            ("nats://:1", None),
            ("nats://u%4:p@a:1", None),
            ("nats://[::1:1", None),
        ] {
            let parsed = RouteUrl::parse(url);
            let parsed = parsed
                .as_ref()
                .map(|url| (&*url.host, url.port, &*url.user, &*url.password));
            assert_eq!(parsed, expected, "{url}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let url = RouteUrl::parse("nats://user:secret@a:1").unwrap();
        assert_eq!(format!("{url:?}"), "a:1");
    }
}
