//! What a server says about itself, and about other clusters, to servers of another cluster: INFO.

use crate::route::{is_default, null_is_empty};
use crate::said;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// [`GatewayInfo::gateway_cmd`]: it tells of another cluster.
pub const GOSSIP: u8 = 1;

/// The same: all interest of an account follows.
pub const ALL_INTEREST_FOLLOWS: u8 = 2;

/// The same: all interest of an account has been told. From now on nothing is to be sent that is not asked for.
pub const ALL_INTEREST_ENDS: u8 = 3;

/// INFO between clusters. What is not said is empty, 0 or false, and is not said; except where a field says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GatewayInfo {
    /// The server's id. Always said.
    pub server_id: String,
    /// Its name. Always said.
    pub server_name: String,
    /// The version of nats-server whose protocol it speaks. Always said.
    pub version: String,
    /// The level of the protocol. Always said.
    pub proto: i64,
    /// What it was built with. Always said.
    pub go: String,
    /// Where it listens for gateways. Always said.
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
    /// The name of the cluster that it is about.
    #[serde(skip_serializing_if = "is_default")]
    pub gateway: String,
    /// `host:port` of the servers of that cluster, for gateways.
    #[serde(skip_serializing_if = "is_default", deserialize_with = "null_is_empty")]
    pub gateway_urls: Vec<String>,
    /// The same, of the server itself.
    #[serde(skip_serializing_if = "is_default")]
    pub gateway_url: String,
    /// What it is said for, where it is not to introduce the server.
    #[serde(skip_serializing_if = "is_default")]
    pub gateway_cmd: u8,
    /// The account that the command is about.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "to_base64",
        deserialize_with = "from_base64"
    )]
    pub gateway_cmd_payload: Vec<u8>,
    /// Whether it maps replies to [`MAPPED_PREFIX`](super::MAPPED_PREFIX).
    #[serde(skip_serializing_if = "is_default")]
    pub gateway_nrp: bool,
    /// Whether it is about to tell all interest of all accounts, so that nothing is to be sent in hope.
    #[serde(skip_serializing_if = "is_default")]
    pub gateway_iom: bool,
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    STANDARD.decode(text).map_err(D::Error::custom)
}

impl GatewayInfo {
    /// Reads the JSON of an INFO.
    ///
    /// # Errors
    /// When it is no object, or a field is not of its type.
    pub fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        said::read(json)
    }

    /// Says to the other cluster that all interest of an account follows, or has been told.
    pub fn about_account(cluster: &str, command: u8, account: &str) -> Self {
        Self {
            gateway: cluster.to_owned(),
            gateway_cmd: command,
            gateway_cmd_payload: account.as_bytes().to_vec(),
            ..Self::default()
        }
    }

    /// Tells of another cluster, and where it is.
    pub fn gossip(server_id: String, cluster: String, urls: Vec<String>) -> Self {
        Self {
            server_id,
            gateway: cluster,
            gateway_urls: urls,
            gateway_cmd: GOSSIP,
            ..Self::default()
        }
    }

    /// Appends the line.
    pub fn append(&self, out: &mut Vec<u8>) {
        said::append(out, b"INFO ", self, b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL_INTEREST_FOLLOWS, GatewayInfo};

    #[test]
    fn what_is_empty_is_not_said() {
        let info = GatewayInfo {
            server_id: "NA".into(),
            server_name: "one".into(),
            version: "2.14.5".into(),
            proto: 3,
            host: "127.0.0.1".into(),
            port: 7222,
            headers: true,
            max_payload: 1_048_576,
            gateway: "A".into(),
            gateway_urls: vec!["127.0.0.1:7222".into()],
            gateway_url: "127.0.0.1:7222".into(),
            gateway_nrp: true,
            gateway_iom: true,
            ..GatewayInfo::default()
        };
        let mut line = Vec::new();
        info.append(&mut line);
        let line = String::from_utf8(line).unwrap();
        assert_eq!(
            line,
            concat!(
                r#"INFO {"server_id":"NA","server_name":"one","version":"2.14.5","proto":3,"go":"","#,
                r#""host":"127.0.0.1","port":7222,"headers":true,"max_payload":1048576,"gateway":"A","#,
                r#""gateway_urls":["127.0.0.1:7222"],"gateway_url":"127.0.0.1:7222","#,
                r#""gateway_nrp":true,"gateway_iom":true}"#,
                "\r\n"
            )
        );
        assert_eq!(GatewayInfo::read(&line.as_bytes()[5..]).unwrap(), info);
    }

    #[test]
    fn the_account_of_a_command_is_in_base64() {
        let info = GatewayInfo::about_account("A", ALL_INTEREST_FOLLOWS, "$G");
        let mut line = Vec::new();
        info.append(&mut line);
        let line = String::from_utf8(line).unwrap();
        assert!(
            line.contains(r#""gateway":"A","gateway_cmd":2,"gateway_cmd_payload":"JEc=""#),
            "{line}"
        );
        assert_eq!(GatewayInfo::read(&line.as_bytes()[5..]).unwrap(), info);
        let none = GatewayInfo::read(br#"{"gateway_cmd_payload":null,"gateway_urls":null}"#).unwrap();
        assert_eq!(none, GatewayInfo::default());
    }

    #[test]
    fn what_is_no_info_is_refused() {
        for json in ["", "[1]", r#"{"gateway":1}"#, r#"{"gateway_cmd_payload":"!"}"#] {
            assert!(GatewayInfo::read(json.as_bytes()).is_err(), "{json}");
        }
    }
}
