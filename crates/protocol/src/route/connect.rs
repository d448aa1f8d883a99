//! Who a server says it is to one that it has connected to: CONNECT.

use crate::said;
use serde::{Deserialize, Serialize};
use std::fmt;

/// CONNECT between servers. Shown for debugging without the password.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteConnect {
    /// Always said, and always true: a server gets what it asks for by its interest alone.
    pub echo: bool,
    /// Whether it wants +OK.
    pub verbose: bool,
    /// Always said.
    pub pedantic: bool,
    /// The user that it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The password.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pass: String,
    /// Whether it speaks TLS.
    pub tls_required: bool,
    /// Whether messages may have headers.
    pub headers: bool,
    /// The id of the server.
    pub name: String,
    /// The name of its cluster.
    pub cluster: String,
    /// Whether that was made up.
    #[serde(skip_serializing_if = "is_false")]
    pub cluster_dynamic: bool,
    /// Whether it understands LS+ with the cluster of the leaf nodes.
    #[serde(skip_serializing_if = "is_false")]
    pub lnoc: bool,
    /// Whether it understands LS- with that.
    #[serde(skip_serializing_if = "is_false")]
    pub lnocu: bool,
    /// Whether it understands both, and LS+ and LS- of leaf nodes of no cluster.
    #[serde(skip_serializing_if = "is_false")]
    pub ln: bool,
    /// The name of the cluster that it is a gateway of: then it is at the wrong port.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gateway: String,
    /// The language of a client: then it is at the wrong port.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub lang: String,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde calls it.
fn is_false(value: &bool) -> bool {
    !value
}

impl RouteConnect {
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

impl fmt::Debug for RouteConnect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RouteConnect")
            .field("user", &self.user)
            .field("name", &self.name)
            .field("cluster", &self.cluster)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::RouteConnect;

    #[test]
    fn is_said_as_nats_server_says_it() {
        let connect = RouteConnect {
            echo: true,
            user: "u".into(),
            pass: "secret".into(),
            headers: true,
            name: "NA".into(),
            cluster: "C".into(),
            lnoc: true,
            lnocu: true,
            ln: true,
            ..RouteConnect::default()
        };
        let mut line = Vec::new();
        connect.append(&mut line);
        let line = String::from_utf8(line).unwrap();
        assert_eq!(
            line,
            concat!(
                r#"CONNECT {"echo":true,"verbose":false,"pedantic":false,"user":"u","pass":"secret","tls_required":false,"#,
                r#""headers":true,"name":"NA","cluster":"C","lnoc":true,"lnocu":true,"ln":true}"#,
                "\r\n"
            )
        );
        assert_eq!(RouteConnect::read(&line.as_bytes()[8..]).unwrap(), connect);
        assert!(!format!("{connect:?}").contains("secret"));
    }

    #[test]
    fn one_of_a_client_says_so() {
        let connect = RouteConnect::read(br#"{"lang":"rust","protocol":1,"verbose":false}"#).unwrap();
        assert_eq!(connect.lang, "rust");
        assert!(RouteConnect::read(b"x").is_err());
    }
}
