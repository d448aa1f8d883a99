//! What a server says about itself to the others of its cluster: INFO.

use crate::said;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// INFO between servers. What is not said is empty, 0 or false, and is not said; except where a field says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteInfo {
    /// The server's id, by which it is told from all others. Always said.
    pub server_id: String,
    /// Its name, which is its own in the cluster. Always said.
    pub server_name: String,
    /// The version of nats-server whose protocol it speaks. Always said.
    pub version: String,
    /// The level of the protocol. Always said.
    pub proto: i64,
    /// What it was built with. Always said.
    pub go: String,
    /// What the other server could sign to prove who it is. No server does, and it is for nobody else.
    #[serde(skip_serializing_if = "is_default")]
    pub nonce: String,
    /// Where it listens for routes. Always said.
    pub host: String,
    /// The port of that. Always said.
    pub port: i64,
    /// Whether messages may have headers. Always said.
    pub headers: bool,
    /// Whether those who connect have to say who they are.
    #[serde(skip_serializing_if = "is_default")]
    pub auth_required: bool,
    /// Whether they have to speak TLS.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_required: bool,
    /// Whether they have to show a certificate.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_verify: bool,
    /// Most bytes of a message. Always said.
    pub max_payload: i64,
    /// `nats-route://host:port/`, where others are to connect to it.
    #[serde(skip_serializing_if = "is_default")]
    pub ip: String,
    /// The name of the cluster.
    #[serde(skip_serializing_if = "is_default")]
    pub cluster: String,
    /// Whether that was made up, so that another may be taken for it.
    #[serde(skip_serializing_if = "is_default")]
    pub cluster_dynamic: bool,
    /// `host:port` for its clients.
    #[serde(skip_serializing_if = "is_default", deserialize_with = "null_is_empty")]
    pub connect_urls: Vec<String>,
    /// `host:port` for those of its clients that speak WebSocket.
    #[serde(skip_serializing_if = "is_default", deserialize_with = "null_is_empty")]
    pub ws_connect_urls: Vec<String>,
    /// `host:port` for leaf nodes: one, or none.
    #[serde(skip_serializing_if = "is_default", deserialize_with = "null_is_empty")]
    pub leafnode_urls: Vec<String>,
    /// It is about to stop.
    #[serde(skip_serializing_if = "is_default")]
    pub ldm: bool,
    /// How it would compress the route.
    #[serde(skip_serializing_if = "is_default")]
    pub compression: String,
    /// Whether it understands LS+ with the cluster of the leaf nodes.
    #[serde(skip_serializing_if = "is_default")]
    pub lnoc: bool,
    /// Whether it understands LS- with that.
    #[serde(skip_serializing_if = "is_default")]
    pub lnocu: bool,
    /// Whether it understands both, and LS+ and LS- of leaf nodes of no cluster.
    #[serde(skip_serializing_if = "is_default")]
    pub ln: bool,
    /// How many routes it wants to each other server; 0 for one that knows of no more than one.
    #[serde(skip_serializing_if = "is_default")]
    pub route_pool_size: i64,
    /// Which of these it is.
    #[serde(skip_serializing_if = "is_default")]
    pub route_pool_idx: i64,
    /// The account that the route carries alone.
    #[serde(skip_serializing_if = "is_default")]
    pub route_account: String,
    /// The number of a request that an account get a route of its own.
    #[serde(skip_serializing_if = "is_default")]
    pub route_acc_add_reqid: String,
    /// See [`GossipMode`].
    #[serde(skip_serializing_if = "is_default")]
    pub gossip_mode: u8,
    /// The name of the gateway that it tells of, where it tells of one.
    #[serde(skip_serializing_if = "is_default")]
    pub gateway: String,
    /// `host:port` of the servers of that gateway's cluster.
    #[serde(skip_serializing_if = "is_default", deserialize_with = "null_is_empty")]
    pub gateway_urls: Vec<String>,
    /// `host:port`, where other clusters are to connect to this server.
    #[serde(skip_serializing_if = "is_default")]
    pub gateway_url: String,
    /// What is told of a gateway: see [`GOSSIP`](crate::gateway::GOSSIP).
    #[serde(skip_serializing_if = "is_default")]
    pub gateway_cmd: u8,
    /// What it wants to have of others.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "said::object")]
    pub import: Option<Box<SubjectRules>>,
    /// What it lets others have.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "said::object")]
    pub export: Option<Box<SubjectRules>>,
    /// What else it says, to be passed on.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// Which subjects are meant: of all, or of those that are allowed, those that are not denied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SubjectRules {
    /// Nothing for all.
    #[serde(skip_serializing_if = "is_default", deserialize_with = "null_is_empty")]
    pub allow: Vec<String>,
    /// Of these.
    #[serde(skip_serializing_if = "is_default", deserialize_with = "null_is_empty")]
    pub deny: Vec<String>,
}

/// What a server that is told of another is to do with it, beside connecting to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GossipMode {
    /// It tells nobody, as it has only heard of it.
    Default,
    /// It tells nobody, whatever the reason.
    Disabled,
    /// It tells the others it knows.
    Override,
}

impl GossipMode {
    /// As INFO has it.
    pub fn number(self) -> u8 {
        match self {
            Self::Default => 0,
            Self::Disabled => 1,
            Self::Override => 2,
        }
    }

    /// Of what INFO has.
    pub fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Disabled,
            2 => Self::Override,
            _ => Self::Default,
        }
    }
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

pub(crate) fn null_is_empty<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl RouteInfo {
    /// Reads the JSON of an INFO.
    ///
    /// # Errors
    /// When it is no object, or a field is not of its type.
    pub fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        let mut info: Self = said::read(json)?;
        info.nonce.clear();
        Ok(info)
    }

    /// Appends the line.
    pub fn append(&self, out: &mut Vec<u8>) {
        said::append(out, b"INFO ", self, b" \r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_not_said() {
        let info = RouteInfo {
            server_id: "NA".into(),
            server_name: "one".into(),
            version: "2.14.5".into(),
            proto: 1,
            go: "none".into(),
            host: "0.0.0.0".into(),
            port: 6222,
            headers: true,
            max_payload: 1_048_576,
            cluster: "C".into(),
            lnoc: true,
            lnocu: true,
            ln: true,
            import: Some(Box::new(SubjectRules {
                allow: vec!["a.>".into()],
                deny: Vec::new(),
            })),
            export: Some(Box::default()),
            ..RouteInfo::default()
        };
        let mut line = Vec::new();
        info.append(&mut line);
        let line = String::from_utf8(line).unwrap();
        assert_eq!(
            line,
            concat!(
                r#"INFO {"server_id":"NA","server_name":"one","version":"2.14.5","proto":1,"go":"none","host":"0.0.0.0","#,
                r#""port":6222,"headers":true,"max_payload":1048576,"cluster":"C","lnoc":true,"lnocu":true,"ln":true,"#,
                r#""import":{"allow":["a.>"]},"export":{}} "#,
                "\r\n"
            )
        );
        assert_eq!(RouteInfo::read(&line.as_bytes()[5..]).unwrap(), info);
    }

    #[test]
    fn what_is_not_known_is_passed_on_but_for_the_nonce() {
        let json =
            br#"{"server_id":"NA","nonce":"secret","jetstream":true,"connect_urls":null,"gossip_mode":2}"#;
        let info = RouteInfo::read(json).unwrap();
        assert_eq!(GossipMode::from_number(info.gossip_mode), GossipMode::Override);
        assert!(info.connect_urls.is_empty());
        let mut line = Vec::new();
        info.append(&mut line);
        let line = String::from_utf8(line).unwrap();
        assert!(
            line.contains(r#""jetstream":true"#) && !line.contains("nonce"),
            "{line}"
        );
    }

    #[test]
    fn what_is_no_info_is_refused() {
        for json in ["", "[]", "{", r#"{"port":"x"}"#, r#"{"server_id":1}"#] {
            assert!(RouteInfo::read(json.as_bytes()).is_err(), "{json}");
        }
    }
}
