//! What the server says about itself: the INFO line.

use serde::Serialize;

/// What INFO says to every client alike. Empty text and lists are left out, as are `false` and 0,
/// except where a field says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Info {
    /// Public key of the server: 56 letters, the first an `N`. Always sent.
    pub server_id: String,
    /// Name of the server, by default its id. Always sent.
    pub server_name: String,
    /// The version of nats-server whose protocol this is: clients turn features on by it. Always sent.
    pub version: String,
    /// Our own version. Clients do not know the field and skip it.
    pub vagus_version: String,
    /// Commit the server was built from.
    pub git_commit: String,
    /// What the server was built with; clients at most display it. Always sent.
    pub go: String,
    /// Address the server listens on. Always sent.
    pub host: String,
    /// Port the server listens on. Always sent.
    pub port: u16,
    /// Whether messages may have headers. Always sent.
    pub headers: bool,
    /// Whether a CONNECT needs credentials.
    pub auth_required: bool,
    /// Whether a client has to speak TLS.
    pub tls_required: bool,
    /// Whether a client has to show a certificate.
    pub tls_verify: bool,
    /// Whether a client may speak TLS, and need not.
    pub tls_available: bool,
    /// Most bytes a message may have. Always sent.
    pub max_payload: usize,
    /// Whether the server keeps streams.
    pub jetstream: bool,
    /// Name of the cluster.
    pub cluster: String,
    /// What the server's streams are told from those of others by.
    pub domain: String,
    /// `host:port` of the servers of the cluster.
    pub connect_urls: Vec<String>,
    /// Lame duck mode: the server is about to stop, clients should leave.
    pub lame_duck: bool,
    /// JetStream API level.
    pub api_level: u32,
    /// Public curve key of the server.
    pub xkey: String,
}

/// What INFO says to one client only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InfoClient<'a> {
    /// Number of the connection, from 1.
    pub id: u64,
    /// Address of the client, without port.
    pub ip: &'a str,
    /// What the client may sign to prove who it is; empty where there is nothing to prove.
    pub nonce: &'a str,
    /// Set in the INFO that follows the first PONG.
    pub bound: Option<BoundAccount<'a>>,
    /// Most bytes a message of the client may have, if that is less than for others.
    pub max_payload: Option<usize>,
    /// The handshake came before INFO: TLS is required, as far as this client is concerned.
    pub tls_first: bool,
}

/// The account a client was bound to by its CONNECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoundAccount<'a> {
    /// Name of the account.
    pub name: &'a str,
    /// Whether it is the system account.
    pub is_system: bool,
}

/// The fields in the order nats-server sends them.
#[derive(Serialize)]
struct Wire<'a> {
    server_id: &'a str,
    server_name: &'a str,
    version: &'a str,
    proto: u8,
    #[serde(skip_serializing_if = "str::is_empty")]
    git_commit: &'a str,
    go: &'a str,
    host: &'a str,
    port: u16,
    headers: bool,
    #[serde(skip_serializing_if = "is_false")]
    auth_required: bool,
    #[serde(skip_serializing_if = "is_false")]
    tls_required: bool,
    #[serde(skip_serializing_if = "is_false")]
    tls_verify: bool,
    #[serde(skip_serializing_if = "is_false")]
    tls_available: bool,
    max_payload: usize,
    #[serde(skip_serializing_if = "is_false")]
    jetstream: bool,
    #[serde(skip_serializing_if = "is_zero")]
    client_id: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    client_ip: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    nonce: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    cluster: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    domain: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    connect_urls: &'a [String],
    #[serde(skip_serializing_if = "is_false")]
    ldm: bool,
    #[serde(skip_serializing_if = "is_false")]
    connect_info: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    remote_account: &'a str,
    #[serde(skip_serializing_if = "is_false")]
    acc_is_sys: bool,
    #[serde(skip_serializing_if = "is_zero")]
    api_lvl: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    xkey: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    vagus_version: &'a str,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Info {
    /// Appends the INFO line for one client. A blank stands before the line end, as in nats-server's.
    pub fn render(&self, client: &InfoClient<'_>, out: &mut Vec<u8>) {
        let wire = Wire {
            server_id: &self.server_id,
            server_name: &self.server_name,
            version: &self.version,
            proto: 1,
            git_commit: &self.git_commit,
            go: &self.go,
            host: &self.host,
            port: self.port,
            headers: self.headers,
            auth_required: self.auth_required,
            tls_required: self.tls_required || client.tls_first,
            tls_verify: self.tls_verify,
            tls_available: self.tls_available,
            max_payload: client.max_payload.unwrap_or(self.max_payload),
            client_id: client.id,
            client_ip: client.ip,
            nonce: client.nonce,
            jetstream: self.jetstream,
            cluster: &self.cluster,
            domain: &self.domain,
            connect_urls: &self.connect_urls,
            ldm: self.lame_duck,
            connect_info: client.bound.is_some(),
            remote_account: client.bound.map_or("", |account| account.name),
            acc_is_sys: client.bound.is_some_and(|account| account.is_system),
            api_lvl: self.api_level.into(),
            xkey: &self.xkey,
            vagus_version: &self.vagus_version,
        };
        out.extend_from_slice(b"INFO ");
        // Text, numbers and booleans into memory: there is nothing in it that can fail.
        let written = serde_json::to_writer(&mut *out, &wire);
        debug_assert!(written.is_ok(), "{written:?}");
        out.extend_from_slice(b" \r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> Info {
        Info {
            server_id: "NID".into(),
            server_name: "one \"1\"".into(),
            version: "2.14.5".into(),
            vagus_version: "0.1.0".into(),
            go: "rustc".into(),
            host: "127.0.0.1".into(),
            port: 4222,
            headers: true,
            max_payload: 1_048_576,
            xkey: "XK".into(),
            ..Info::default()
        }
    }

    #[track_caller]
    fn check(info: &Info, client: &InfoClient<'_>, expect: &str) {
        let mut line = b"before".to_vec();
        info.render(client, &mut line);
        assert_eq!(String::from_utf8(line).unwrap(), format!("before{expect} \r\n"));
    }

    #[test]
    fn leaves_out_what_is_empty() {
        check(
            &info(),
            &InfoClient {
                id: 5,
                ip: "127.0.0.1",
                nonce: "",
                ..InfoClient::default()
            },
            r#"INFO {"server_id":"NID","server_name":"one \"1\"","version":"2.14.5","proto":1,"go":"rustc","host":"127.0.0.1","port":4222,"headers":true,"max_payload":1048576,"client_id":5,"client_ip":"127.0.0.1","xkey":"XK","vagus_version":"0.1.0"}"#,
        );
        check(
            &Info::default(),
            &InfoClient::default(),
            r#"INFO {"server_id":"","server_name":"","version":"","proto":1,"go":"","host":"","port":0,"headers":false,"max_payload":0}"#,
        );
    }

    #[test]
    fn says_everything_in_order() {
        let info = Info {
            git_commit: "abc".into(),
            auth_required: true,
            tls_required: true,
            tls_verify: true,
            tls_available: true,
            cluster: "C1".into(),
            connect_urls: vec!["a:1".into(), "b:2".into()],
            lame_duck: true,
            api_level: 4,
            ..info()
        };
        let bound = Some(BoundAccount {
            name: "$SYS",
            is_system: true,
        });
        check(
            &info,
            &InfoClient {
                id: 18_446_744_073_709_551_615,
                ip: "::1",
                nonce: "",
                bound,
                max_payload: None,
                tls_first: false,
            },
            r#"INFO {"server_id":"NID","server_name":"one \"1\"","version":"2.14.5","proto":1,"git_commit":"abc","go":"rustc","host":"127.0.0.1","port":4222,"headers":true,"auth_required":true,"tls_required":true,"tls_verify":true,"tls_available":true,"max_payload":1048576,"client_id":18446744073709551615,"client_ip":"::1","cluster":"C1","connect_urls":["a:1","b:2"],"ldm":true,"connect_info":true,"remote_account":"$SYS","acc_is_sys":true,"api_lvl":4,"xkey":"XK","vagus_version":"0.1.0"}"#,
        );
    }

    #[test]
    fn an_account_that_is_not_the_system_account() {
        let bound = Some(BoundAccount {
            name: "$G",
            is_system: false,
        });
        let mut line = Vec::new();
        info().render(
            &InfoClient {
                id: 1,
                ip: "x",
                nonce: "",
                bound,
                max_payload: None,
                tls_first: false,
            },
            &mut line,
        );
        let line = String::from_utf8(line).unwrap();
        assert!(
            line.contains(r#","connect_info":true,"remote_account":"$G","xkey""#),
            "{line}"
        );
    }
}
