//! Connectors: what other systems bring, and what they are brought.

use crate::{GLOBAL_ACCOUNT, Listen};
use std::fmt;
use std::time::Duration;
use vagus_auth::permission::Permissions;
use vagus_forward::Credentials;

/// One connector.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectorSettings {
    /// What it is called; no two have the same. Letters, digits, `_`, `-` and `.`.
    pub id: String,
    /// The account that it publishes or subscribes in.
    pub account: String,
    /// What it may publish and subscribe to there.
    pub permissions: Permissions,
    /// Whether it is to do nothing for now.
    pub is_paused: bool,
    /// Which way messages go.
    pub way: ConnectorWay,
}

/// Which way messages go.
#[derive(Debug, Clone, PartialEq)]
pub enum ConnectorWay {
    /// Peers connect, and bring events that are published.
    In(InwardSettings),
    /// A server is connected to, and brought what is published.
    Out(OutwardSettings),
    /// Users of the broker call over HTTP.
    Http(HttpSettings),
}

/// Users of the broker call over HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpSettings {
    /// Where they call.
    pub listen: Listen,
    /// How TLS is spoken, if it is.
    pub tls: Option<vagus_tls::Settings>,
    /// The pages of other sites that may call, by their origin, such as `https://example.org`; `*` for all.
    pub allowed_origins: Vec<String>,
    /// How large the body of a call may be, in bytes.
    pub max_body: usize,
    /// How many calls there may be in a second; any number when not set.
    pub requests_a_second: Option<u32>,
}

/// What is spoken with the other system.
#[derive(Debug, Clone, PartialEq)]
pub enum ConnectorLanguage {
    /// The Forward protocol of Fluentd and Fluent Bit.
    Forward {
        /// What both ends have to know, if they have to.
        credentials: Option<Credentials>,
    },
    /// Lumberjack, of Beats and Logstash.
    Lumberjack,
    /// JSON, one object a line, without acknowledgements.
    JsonLines,
}

/// Peers connect, and bring events.
#[derive(Debug, Clone, PartialEq)]
pub struct InwardSettings {
    /// What they speak.
    pub language: ConnectorLanguage,
    /// Whether peers are told that events have arrived once a stream has stored them; else once they are published.
    pub is_stored: bool,
    /// Where they connect.
    pub listen: Listen,
    /// How TLS is spoken, if it is.
    pub tls: Option<vagus_tls::Settings>,
    /// What events are published on: a subject, or what tags become.
    pub subject: SubjectOfTag,
    /// Where the tag of an event is, of a language that has none: keys of objects within each other.
    pub tag_key: Vec<String>,
    /// How many peers may be connected at one time.
    pub max_connections: usize,
    /// How large a frame of a peer may be, in bytes.
    pub max_frame: usize,
    /// Whether it is told by datagrams, too, that it is there, as Fluentd asks that.
    pub answers_datagrams: bool,
    /// How long a stream may take to store what came together.
    pub ack_timeout: Duration,
}

/// What events are published on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectOfTag {
    /// On this subject, whatever their tag is.
    One(String),
    /// Those whose tag matches the first on what the second makes of it, as subject mappings do.
    Mapped(String, String),
}

/// A consumer of a stream, by which what the stream keeps is brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerName {
    /// The stream.
    pub stream: String,
    /// The durable name of the consumer. It is made if it is not there.
    pub durable: String,
}

/// A server is connected to, and brought what is published.
#[derive(Debug, Clone, PartialEq)]
pub struct OutwardSettings {
    /// What it speaks.
    pub language: ConnectorLanguage,
    /// What is brought: what is published on this, from the start of the connector on; or what a stream keeps of it.
    pub subject: String,
    /// By which consumer, if it is what a stream keeps.
    pub consumer: Option<ConsumerName>,
    /// Of which queue group it is a member, if it is.
    pub queue: Option<String>,
    /// What becomes the tag, as subject mappings do: the subject itself when not set.
    pub tag: Option<String>,
    /// Where the tag is put, in a language that has none; nowhere when not set.
    pub tag_key: Option<String>,
    /// Where the subject is put in an event, if it is.
    pub subject_key: Option<String>,
    /// The servers: the first that answers is brought everything, until it does not any more.
    pub servers: Vec<ServerAddress>,
    /// How TLS is spoken, if it is.
    pub tls: Option<vagus_tls::Settings>,
    /// Whether a server has to say that it has what it was brought, where the language leaves that open.
    pub requires_acknowledgement: bool,
    /// Whether what is sent is compressed.
    pub is_compressed: bool,
    /// How many bytes may wait. Beyond that the oldest are lost.
    pub max_pending: usize,
    /// So many bytes are sent at once, and a message beyond.
    pub chunk_limit: usize,
    /// How long messages are gathered before they are sent.
    pub flush_interval: Duration,
    /// How long a server may take to connect.
    pub connect_timeout: Duration,
    /// How long it may take to say that it has what it was brought.
    pub ack_timeout: Duration,
    /// How long to wait when no server takes anything: twice as long each time.
    pub retry_wait: Duration,
    /// But no longer than this.
    pub retry_longest_wait: Duration,
}

/// Where a server is.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerAddress {
    /// A name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(formatter, "[{}]:{}", self.host, self.port),
            false => write!(formatter, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl ConnectorSettings {
    /// One of which nothing is said but this.
    pub fn new(id: &str, way: ConnectorWay) -> Self {
        Self {
            id: id.to_owned(),
            account: GLOBAL_ACCOUNT.to_owned(),
            permissions: Permissions::default(),
            is_paused: false,
            way,
        }
    }

    /// The name of its type in a configuration.
    pub fn kind(&self) -> &'static str {
        match &self.way {
            ConnectorWay::In(inward) => match (&inward.language, inward.is_stored) {
                (ConnectorLanguage::Forward { .. }, false) => "ForwardToNATS",
                (ConnectorLanguage::Forward { .. }, true) => "ForwardToJetStream",
                (ConnectorLanguage::Lumberjack, false) => "LumberjackToNATS",
                (ConnectorLanguage::Lumberjack, true) => "LumberjackToJetStream",
                (ConnectorLanguage::JsonLines, false) => "JSONLinesToNATS",
                (ConnectorLanguage::JsonLines, true) => "JSONLinesToJetStream",
            },
            ConnectorWay::Out(outward) => match (&outward.language, outward.consumer.is_some()) {
                (ConnectorLanguage::Forward { .. }, false) => "NATSToForward",
                (ConnectorLanguage::Forward { .. }, true) => "JetStreamToForward",
                (ConnectorLanguage::Lumberjack, false) => "NATSToLumberjack",
                (ConnectorLanguage::Lumberjack, true) => "JetStreamToLumberjack",
                (ConnectorLanguage::JsonLines, false) => "NATSToJSONLines",
                (ConnectorLanguage::JsonLines, true) => "JetStreamToJSONLines",
            },
            ConnectorWay::Http(_) => "HTTP",
        }
    }

    /// How it speaks TLS, if it does.
    pub fn tls(&self) -> Option<&vagus_tls::Settings> {
        match &self.way {
            ConnectorWay::In(inward) => inward.tls.as_ref(),
            ConnectorWay::Out(outward) => outward.tls.as_ref(),
            ConnectorWay::Http(http) => http.tls.as_ref(),
        }
    }
}

/// The largest body of a call: that of many messages.
const MAX_BODY: usize = 16 << 20;

impl HttpSettings {
    /// Of which nothing is said but this.
    pub fn new(listen: Listen) -> Self {
        Self {
            listen,
            tls: None,
            allowed_origins: Vec::new(),
            max_body: MAX_BODY,
            requests_a_second: None,
        }
    }
}

/// How many peers of one connector may be connected.
const MAX_CONNECTIONS: usize = 1024;

/// The largest frame: Fluentd's and Fluent Bit's chunks are 8 MB at most by default.
const MAX_FRAME: usize = 32 << 20;

impl InwardSettings {
    /// Of which nothing is said but this.
    pub fn new(language: ConnectorLanguage, listen: Listen, subject: SubjectOfTag) -> Self {
        Self {
            language,
            is_stored: false,
            listen,
            tls: None,
            subject,
            tag_key: Vec::new(),
            max_connections: MAX_CONNECTIONS,
            max_frame: MAX_FRAME,
            answers_datagrams: false,
            ack_timeout: Duration::from_secs(30),
        }
    }
}

impl OutwardSettings {
    /// Of which nothing is said but this.
    pub fn new(language: ConnectorLanguage, subject: &str, servers: Vec<ServerAddress>) -> Self {
        Self {
            language,
            subject: subject.to_owned(),
            consumer: None,
            queue: None,
            tag: None,
            tag_key: None,
            subject_key: None,
            servers,
            tls: None,
            requires_acknowledgement: false,
            is_compressed: false,
            max_pending: 64 << 20,
            chunk_limit: 1 << 20,
            flush_interval: Duration::from_millis(250),
            connect_timeout: Duration::from_secs(5),
            ack_timeout: Duration::from_secs(60),
            retry_wait: Duration::from_secs(1),
            retry_longest_wait: Duration::from_secs(60),
        }
    }
}
