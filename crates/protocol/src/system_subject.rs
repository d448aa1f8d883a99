//! Subjects of the system account, as tools know them from nats-server.

/// Where clients ask who they are.
pub const USER_INFO: &str = "$SYS.REQ.USER.INFO";

/// Where it is asked how many subscriptions there are for a subject.
pub const SUBSCRIBERS: &str = "$SYS.DEBUG.SUBSCRIBERS";

/// Where accounts are told of logins that failed.
pub const ACCOUNT_AUTHENTICATION_ERROR: &str = "$SYS.ACCOUNT.CLIENT.AUTH.ERR";

/// What the question of a client who it is is in the system account; `*` for any account.
pub fn user_info(account: &str) -> String {
    format!("$SYS.REQ.USER.{account}.INFO")
}

/// Where it is told that a client of an account has come.
pub fn connect(account: &str) -> String {
    format!("$SYS.ACCOUNT.{account}.CONNECT")
}

/// Where it is told that one is gone.
pub fn disconnect(account: &str) -> String {
    format!("$SYS.ACCOUNT.{account}.DISCONNECT")
}

/// Where it is told how many clients an account has: by its older name, and by the newer one.
pub fn connection_counts(account: &str) -> [String; 2] {
    [
        format!("$SYS.SERVER.ACCOUNT.{account}.CONNS"),
        format!("$SYS.ACCOUNT.{account}.SERVER.CONNS"),
    ]
}

/// Where a server tells of logins that failed.
pub fn authentication_error(server_id: &str) -> String {
    of_server(server_id, "CLIENT.AUTH.ERR")
}

/// Where a server tells that a peer was refused for a certificate of which its authority says nothing good: of the certificate,
/// and of the peer.
pub fn refused_certificate(server_id: &str) -> [String; 2] {
    ["OCSP.PEER.LINK.INVALID", "OCSP.PEER.CONN.REJECT"].map(|what| of_server(server_id, what))
}

/// Where a server tells of itself.
pub fn of_server(server_id: &str, what: &str) -> String {
    format!("$SYS.SERVER.{server_id}.{what}")
}

/// Where one server is asked.
pub fn request(server_id: &str, what: &str) -> String {
    format!("$SYS.REQ.SERVER.{server_id}.{what}")
}

/// Where all servers are asked.
pub fn ping(what: &str) -> String {
    format!("$SYS.REQ.SERVER.PING.{what}")
}

/// Where it is asked about an account; `*` for any.
pub fn account_request(account: &str, what: &str) -> String {
    format!("$SYS.REQ.ACCOUNT.{account}.{what}")
}
