use crate::{GLOBAL_ACCOUNT, Listen, ListenerSettings, Port, ServerUrl, WriteTimeout};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use vagus_auth::nkey::KeyPair;
use vagus_compression::mode::Mode;
use vagus_tls::Settings;
use vagus_websocket::request::Asked;

/// The leaf nodes that may connect to this server, and the hubs that it connects to as one.
#[derive(Debug, Clone, PartialEq)]
pub struct LeafNodes {
    /// Where leaf nodes connect, if they may.
    pub listener: Option<LeafListener>,
    /// The hubs.
    pub remotes: Vec<LeafRemote>,
    /// How long to wait before a hub is tried again.
    pub reconnect: Duration,
    /// How long connecting to a hub may take, where nothing else is said of it.
    pub dial_timeout: Duration,
    /// Whether no leaf node is told what others want.
    pub isolates: bool,
    /// How long what waits for a peer may take to be written; as long as for clients when not set.
    pub write_deadline: Option<Duration>,
    /// What happens then.
    pub write_timeout: WriteTimeout,
}

/// How leaf nodes connect to this server.
#[derive(Debug, Clone, PartialEq)]
pub struct LeafListener {
    /// Where, how, and what they have to present. Where that is nothing, they present what clients do.
    pub settings: ListenerSettings,
    /// The account of those who need to present nothing.
    pub account: String,
    /// Whether leaf nodes are told where else in the cluster they can connect.
    pub advertises: bool,
    /// How links are compressed.
    pub compression: Mode,
    /// The oldest version of a leaf node that is let in.
    pub min_version: Option<String>,
}

/// A hub that this server connects to, on behalf of one of its accounts.
#[derive(Debug, Clone, PartialEq)]
pub struct LeafRemote {
    /// Where the hub is: at least one, each with its port.
    pub urls: Vec<ServerUrl>,
    /// The account here that the link is of.
    pub account: String,
    /// The file that holds the token and the key of the user to connect as.
    pub credentials: Option<PathBuf>,
    /// The key of the user to connect as.
    pub key: Option<UserKey>,
    /// How TLS is spoken, if anything is said of it. It is spoken wherever the hub wants it.
    pub tls: Option<Settings>,
    /// What the hub is asked for where its URLs are of WebSocket, as all are or none.
    pub websocket: Asked,
    /// The proxy that connects to the hub, if one does.
    pub proxy: Option<HttpProxy>,
    /// Whether this server is the hub, though it connects.
    pub is_hub: bool,
    /// Subjects that are not taken from the hub.
    pub deny_imports: Vec<String>,
    /// Subjects that the hub is not sent.
    pub deny_exports: Vec<String>,
    /// How the link is compressed.
    pub compression: Mode,
    /// Whether the first URL that is tried is any.
    pub randomizes: bool,
    /// Whether servers are tried as well that the hub tells of.
    pub discovers: bool,
    /// How long the hub may take to say who it is.
    pub first_info_timeout: Duration,
    /// How long connecting may take; as long as for other hubs when not set.
    pub dial_timeout: Option<Duration>,
    /// Whether the hub is not told what other leaf nodes want.
    pub isolates: bool,
    /// Whether the hub is asked not to tell what other leaf nodes want.
    pub requests_isolation: bool,
    /// Whether the hub is not connected to for now.
    pub is_disabled: bool,
}

/// A proxy that is asked by HTTP to connect to somebody.
#[derive(Clone, PartialEq)]
pub struct HttpProxy {
    /// A name, or an address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether TLS is spoken with it.
    pub is_secure: bool,
    /// The user and the password to show it, if it wants them.
    pub login: Option<(String, String)>,
    /// How long it may take; as long as connecting when not set.
    pub timeout: Option<Duration>,
}

/// Without the password.
impl fmt::Debug for HttpProxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("HttpProxy")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("is_secure", &self.is_secure)
            .finish_non_exhaustive()
    }
}

/// A key that proves who somebody is. It is never shown.
#[derive(Debug, Clone, PartialEq)]
pub struct UserKey(pub KeyPair);

/// The port where leaf nodes expect a hub.
pub(crate) const LEAFNODE_PORT: u16 = 7422;

impl Default for LeafNodes {
    fn default() -> Self {
        Self {
            listener: None,
            remotes: Vec::new(),
            reconnect: Duration::from_secs(1),
            dial_timeout: Duration::from_secs(1),
            isolates: false,
            write_deadline: None,
            write_timeout: WriteTimeout::Retry,
        }
    }
}

impl Default for LeafListener {
    fn default() -> Self {
        Self {
            settings: ListenerSettings::at(Listen {
                port: Port::Fixed(LEAFNODE_PORT),
                ..Listen::default()
            }),
            account: GLOBAL_ACCOUNT.to_owned(),
            advertises: true,
            compression: Mode::default_of_leaf_nodes(),
            min_version: None,
        }
    }
}

impl Default for LeafRemote {
    /// Of the account of everybody, and nowhere.
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            account: GLOBAL_ACCOUNT.to_owned(),
            credentials: None,
            key: None,
            tls: None,
            websocket: Asked::default(),
            proxy: None,
            is_hub: false,
            deny_imports: Vec::new(),
            deny_exports: Vec::new(),
            compression: Mode::default_of_leaf_nodes(),
            randomizes: true,
            discovers: true,
            first_info_timeout: Duration::from_secs(1),
            dial_timeout: None,
            isolates: false,
            requests_isolation: false,
            is_disabled: false,
        }
    }
}

impl LeafRemote {
    /// By this two remotes of one configuration are told apart, and one is known again in the next. Shows no secret.
    pub fn name(&self) -> String {
        let urls: Vec<String> = self
            .urls
            .iter()
            .map(|url| format!("{}@{url:?}", url.user))
            .collect();
        let credentials = self.credentials.as_ref().map(|path| path.display().to_string());
        format!(
            "{} {} {}",
            self.account,
            urls.join(","),
            credentials.unwrap_or_default()
        )
    }
}
