//! Who a leaf node says it is to its hub: CONNECT.

use crate::route::{is_default, null_is_empty};
use crate::said;
use serde::{Deserialize, Serialize};
use std::fmt;

/// CONNECT of a leaf node. What is not said is empty or false. Shown for debugging without secrets.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeafConnect {
    /// The version of nats-server whose protocol it speaks.
    #[serde(skip_serializing_if = "is_default")]
    pub version: String,
    /// The public key of its user.
    #[serde(skip_serializing_if = "is_default")]
    pub nkey: String,
    /// The token of its user.
    #[serde(skip_serializing_if = "is_default")]
    pub jwt: String,
    /// The signature of the nonce.
    #[serde(skip_serializing_if = "is_default")]
    pub sig: String,
    /// The name of its user.
    #[serde(skip_serializing_if = "is_default")]
    pub user: String,
    /// The password.
    #[serde(skip_serializing_if = "is_default")]
    pub pass: String,
    /// The token of everybody.
    #[serde(skip_serializing_if = "is_default")]
    pub auth_token: String,
    /// The id of the server.
    #[serde(skip_serializing_if = "is_default")]
    pub server_id: String,
    /// The domain of its streams.
    #[serde(skip_serializing_if = "is_default")]
    pub domain: String,
    /// Its name.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// Whether it is the hub, though it has connected.
    #[serde(skip_serializing_if = "is_default")]
    pub is_hub: bool,
    /// The name of its cluster.
    #[serde(skip_serializing_if = "is_default")]
    pub cluster: String,
    /// Whether messages may have headers.
    #[serde(skip_serializing_if = "is_default")]
    pub headers: bool,
    /// Whether its account has streams there.
    #[serde(skip_serializing_if = "is_default")]
    pub jetstream: bool,
    /// What it does not want to be sent.
    #[serde(skip_serializing_if = "is_default", deserialize_with = "null_is_empty")]
    pub deny_pub: Vec<String>,
    /// Whether it does not want to be told what other leaf nodes want.
    #[serde(skip_serializing_if = "is_default")]
    pub isolate: bool,
    /// What has been agreed upon of compression.
    #[serde(skip_serializing_if = "is_default")]
    pub compress_mode: String,
    /// The name of the cluster that it is a gateway of: then it is at the wrong port.
    #[serde(skip_serializing_if = "is_default")]
    pub gateway: String,
    /// The account there that the link is of.
    #[serde(skip_serializing_if = "is_default")]
    pub remote_account: String,
    /// The level of the protocol.
    #[serde(skip_serializing_if = "is_default")]
    pub protocol: i64,
    /// The language of a client: then it is at the wrong port.
    #[serde(skip_serializing_if = "is_default")]
    pub lang: String,
}

impl LeafConnect {
    /// Reads the JSON of a CONNECT.
    ///
    /// # Errors
    /// When it is no object, or a field is not of its type.
    pub fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        said::read(json)
    }

    /// Appends the line.
    pub fn append(&self, out: &mut Vec<u8>) {
        said::append(out, b"CONNECT ", self, b"\r\n");
    }
}

impl fmt::Debug for LeafConnect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LeafConnect")
            .field("user", &self.user)
            .field("nkey", &self.nkey)
            .field("name", &self.name)
            .field("cluster", &self.cluster)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::LeafConnect;

    #[test]
    fn is_said_as_nats_server_says_it() {
        let connect = LeafConnect {
            version: "2.14.5".into(),
            user: "u".into(),
            pass: "secret".into(),
            server_id: "NA".into(),
            name: "edge".into(),
            headers: true,
            deny_pub: vec!["x".into()],
            remote_account: "$G".into(),
            protocol: 1,
            ..LeafConnect::default()
        };
        let mut line = Vec::new();
        connect.append(&mut line);
        let line = String::from_utf8(line).unwrap();
        assert_eq!(
            line,
            concat!(
                r#"CONNECT {"version":"2.14.5","user":"u","pass":"secret","server_id":"NA","name":"edge","headers":true,"#,
                r#""deny_pub":["x"],"remote_account":"$G","protocol":1}"#,
                "\r\n"
            )
        );
        assert_eq!(LeafConnect::read(&line.as_bytes()[8..]).unwrap(), connect);
        assert!(!format!("{connect:?}").contains("secret"));
        assert!(LeafConnect::read(b"x").is_err());
    }
}
