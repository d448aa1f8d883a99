//! A service that says who may come in (ADR-26 of nats-architecture-and-design).

/// Clients are let in by what this service says of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthCallout {
    /// The public key (`A…`) that signs what it says.
    pub issuer: String,
    /// The name of the account that it is in.
    pub account: String,
    /// The names or keys of the users that it is not asked about: its own.
    pub auth_users: Vec<String>,
    /// The public key (`X…`) that questions are sealed for; None: they are not.
    pub xkey: Option<String>,
    /// The accounts whose users it is asked about, beside those who are of no account; empty: all.
    pub allowed_accounts: Vec<String>,
}
