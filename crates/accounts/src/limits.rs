//! What an account may have.

/// The limits of an account; None where there is none. [`Default`] limits nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountLimits {
    /// Connections of clients and of leaf nodes, together.
    pub connections: Option<u32>,
    /// Connections of leaf nodes.
    pub leaf_nodes: Option<u32>,
    /// Subscriptions of each connection.
    pub subscriptions: Option<u32>,
    /// Bytes of headers and payload of a message.
    pub payload: Option<u32>,
    /// Imports, of streams and of services.
    pub imports: Option<u32>,
    /// Exports, of streams and of services.
    pub exports: Option<u32>,
    /// Whether users are refused who present a token and sign nothing.
    pub disallow_bearer: bool,
    /// Whether exports may not have wildcards.
    pub disallow_wildcard_exports: bool,
}
