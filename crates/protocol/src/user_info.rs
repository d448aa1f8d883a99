//! What a client is told that asks who it is.

use crate::server_shown::ServerShown;
use serde::Serialize;

/// The answer.
#[derive(Debug, Clone)]
pub struct UserInfo<'a> {
    /// Who answers.
    pub server: ServerShown<'a>,
    /// The user's name or key; empty where there is none.
    pub user: &'a str,
    /// The user's account.
    pub account: &'a str,
    /// What people call that account.
    pub account_name: &'a str,
    /// What people call the user, where its token says so; perhaps empty.
    pub user_name: &'a str,
    /// What the user may do; none where nothing restricts it.
    pub permissions: Option<UserPermissions<'a>>,
    /// For how long the user may stay, in nanoseconds; 0: as long as it likes.
    pub expires: u64,
}

/// What a user may do.
#[derive(Debug, Clone, Serialize)]
pub struct UserPermissions<'a> {
    /// What it may publish on.
    pub publish: Lists<'a>,
    /// What it may subscribe to.
    pub subscribe: Lists<'a>,
    /// What it may answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responses: Option<Responses>,
}

/// What is allowed and denied; empty lists are left out.
#[derive(Debug, Clone, Serialize)]
pub struct Lists<'a> {
    /// What is allowed.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub allow: &'a [String],
    /// What is denied.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub deny: &'a [String],
}

/// How requests may be answered.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Responses {
    /// Messages; -1: any number.
    pub max: i64,
    /// Nanoseconds; -1: for ever.
    pub ttl: i64,
}

#[derive(Serialize)]
struct Answer<'a> {
    server: ServerShown<'a>,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    user: &'a str,
    account: &'a str,
    account_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    user_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<&'a UserPermissions<'a>>,
    #[serde(skip_serializing_if = "is_zero")]
    expires: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl UserInfo<'_> {
    /// The answer as JSON, in nats-server's order of fields.
    pub fn to_json(&self) -> Vec<u8> {
        let answer = Answer {
            server: self.server,
            data: Data {
                user: self.user,
                account: self.account,
                account_name: self.account_name,
                user_name: self.user_name,
                permissions: self.permissions.as_ref(),
                expires: self.expires,
            },
        };
        // Text and numbers can be written always.
        serde_json::to_vec(&answer).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    static NO_METADATA: BTreeMap<String, String> = BTreeMap::new();

    #[test]
    fn reads_as_nats_servers() {
        let allow = ["a".to_owned(), "b q".to_owned()];
        let info = UserInfo {
            server: ServerShown {
                name: "n",
                host: "0.0.0.0",
                id: "N",
                cluster: "",
                domain: "",
                jetstream: false,
                version: "2.14.5",
                tags: &[],
                metadata: &NO_METADATA,
                sequence: 7,
                time: "2026-01-01T00:00:00Z",
            },
            user: "u",
            account: "$G",
            account_name: "$G",
            user_name: "",
            permissions: Some(UserPermissions {
                publish: Lists {
                    allow: &allow,
                    deny: &[],
                },
                subscribe: Lists {
                    allow: &[],
                    deny: &[],
                },
                responses: Some(Responses { max: 1, ttl: -1 }),
            }),
            expires: 0,
        };
        let server = r#"{"server":{"name":"n","host":"0.0.0.0","id":"N","ver":"2.14.5","feature_flags":{"js_ack_fc_v2":false,"js_raft_delete_range":false},"jetstream":false,"flags":0,"seq":7,"time":"2026-01-01T00:00:00Z"}"#;
        assert_eq!(
            String::from_utf8(info.to_json()).unwrap(),
            format!(
                r#"{server},"data":{{"user":"u","account":"$G","account_name":"$G","permissions":{{"publish":{{"allow":["a","b q"]}},"subscribe":{{}},"responses":{{"max":1,"ttl":-1}}}}}}}}"#
            )
        );
        let nobody = UserInfo {
            user: "",
            account_name: "everybody",
            user_name: "nobody",
            permissions: None,
            expires: 7_000_000_000,
            ..info
        };
        assert_eq!(
            String::from_utf8(nobody.to_json()).unwrap(),
            format!(
                r#"{server},"data":{{"user":"","account":"$G","account_name":"everybody","user_name":"nobody","expires":7000000000}}}}"#
            )
        );
    }
}
