//! What a hub says about itself to a leaf node, and a leaf node where the link is to be compressed: INFO.

use crate::route::{SubjectRules, is_default, null_is_empty};
use crate::said;
use serde::{Deserialize, Serialize};

/// INFO on a leaf node's connection. What is not said is empty, 0 or false, and is not said; except where a field says
/// otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeafInfo {
    /// The server's id. Always said.
    pub server_id: String,
    /// Its name. Always said.
    pub server_name: String,
    /// The version of nats-server whose protocol it speaks. Always said.
    pub version: String,
    /// The level of the protocol. Always said.
    pub proto: i64,
    /// The commit that it was built of.
    #[serde(skip_serializing_if = "is_default")]
    pub git_commit: String,
    /// What it was built with. Always said.
    pub go: String,
    /// Where it listens for leaf nodes. Always said.
    pub host: String,
    /// The port of that. Always said.
    pub port: i64,
    /// Whether messages may have headers. Always said.
    pub headers: bool,
    /// Always said by a hub: nobody is bound to an account without a CONNECT.
    #[serde(skip_serializing_if = "is_default")]
    pub auth_required: bool,
    /// Whether the leaf node has to speak TLS.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_required: bool,
    /// Whether it has to show a certificate.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_verify: bool,
    /// Most bytes of a message. Always said.
    pub max_payload: i64,
    /// Whether it keeps streams.
    #[serde(skip_serializing_if = "is_default")]
    pub jetstream: bool,
    /// `host:port`, where leaf nodes are to connect to it.
    #[serde(skip_serializing_if = "is_default")]
    pub ip: String,
    /// The number of the connection there. A hub always says it.
    #[serde(skip_serializing_if = "is_default")]
    pub client_id: u64,
    /// What the leaf node may sign to prove who it is.
    #[serde(skip_serializing_if = "is_default")]
    pub nonce: String,
    /// The name of its cluster.
    #[serde(skip_serializing_if = "is_default")]
    pub cluster: String,
    /// The domain of its streams.
    #[serde(skip_serializing_if = "is_default")]
    pub domain: String,
    /// `host:port` of the servers of its cluster for leaf nodes that speak WebSocket.
    #[serde(skip_serializing_if = "is_default", deserialize_with = "null_is_empty")]
    pub ws_connect_urls: Vec<String>,
    /// It is about to stop.
    #[serde(skip_serializing_if = "is_default")]
    pub ldm: bool,
    /// How it would compress the link.
    #[serde(skip_serializing_if = "is_default")]
    pub compression: String,
    /// This is the answer to CONNECT.
    #[serde(skip_serializing_if = "is_default")]
    pub connect_info: bool,
    /// The account there that the leaf node is bound to.
    #[serde(skip_serializing_if = "is_default")]
    pub remote_account: String,
    /// Whether that is the account of the system.
    #[serde(skip_serializing_if = "is_default")]
    pub acc_is_sys: bool,
    /// The level of the API of its streams.
    #[serde(skip_serializing_if = "is_default")]
    pub api_lvl: u32,
    /// What the leaf node may be sent.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "said::object")]
    pub import: Option<Box<SubjectRules>>,
    /// What it may send.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "said::object")]
    pub export: Option<Box<SubjectRules>>,
    /// Whether CONNECT is answered by another INFO.
    #[serde(skip_serializing_if = "is_default")]
    pub info_on_connect: bool,
    /// `host:port` of the servers of its cluster for leaf nodes. A hub always says it.
    #[serde(skip_serializing_if = "is_default", deserialize_with = "null_is_empty")]
    pub leafnode_urls: Vec<String>,
}

impl LeafInfo {
    /// Reads the JSON of an INFO.
    ///
    /// # Errors
    /// When it is no object, or a field is not of its type.
    pub fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        said::read(json)
    }

    /// Whether the first INFO of a server says that it takes leaf nodes where it was connected to.
    pub fn is_of_hub(&self) -> bool {
        self.client_id != 0 && !self.leafnode_urls.is_empty()
    }

    /// Appends the line.
    pub fn append(&self, out: &mut Vec<u8>) {
        said::append(out, b"INFO ", self, b" \r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::LeafInfo;

    #[test]
    fn is_said_as_nats_server_says_it() {
        let info = LeafInfo {
            server_id: "NA".into(),
            server_name: "hub".into(),
            version: "2.14.5".into(),
            proto: 1,
            go: "none".into(),
            host: "0.0.0.0".into(),
            port: 7422,
            headers: true,
            auth_required: true,
            max_payload: 1_048_576,
            client_id: 5,
            nonce: "N".into(),
            connect_info: true,
            remote_account: "$G".into(),
            info_on_connect: true,
            leafnode_urls: vec!["10.0.0.1:7422".into()],
            ..LeafInfo::default()
        };
        let mut line = Vec::new();
        info.append(&mut line);
        let line = String::from_utf8(line).unwrap();
        assert_eq!(
            line,
            concat!(
                r#"INFO {"server_id":"NA","server_name":"hub","version":"2.14.5","proto":1,"go":"none","host":"0.0.0.0","#,
                r#""port":7422,"headers":true,"auth_required":true,"max_payload":1048576,"client_id":5,"nonce":"N","#,
                r#""connect_info":true,"remote_account":"$G","info_on_connect":true,"leafnode_urls":["10.0.0.1:7422"]} "#,
                "\r\n"
            )
        );
        assert_eq!(LeafInfo::read(&line.as_bytes()[5..]).unwrap(), info);
    }

    #[test]
    fn who_takes_no_leaf_nodes_is_known_by_what_is_missing() {
        for (json, is_hub) in [
            (r#"{"client_id":1,"leafnode_urls":["a:1"]}"#, true),
            (r#"{"client_id":1,"leafnode_urls":null}"#, false),
            (r#"{"leafnode_urls":["a:1"],"x":{}}"#, false),
        ] {
            assert_eq!(
                LeafInfo::read(json.as_bytes()).unwrap().is_of_hub(),
                is_hub,
                "{json}"
            );
        }
        assert!(LeafInfo::read(b"x").is_err() && LeafInfo::read(br#"{"port":"x"}"#).is_err());
    }
}
