//! What a leaf node and its hub say to each other: interest, messages, and who they are.
//!
//! In: [`parse_leaf`](crate::route::parser::parse_leaf) finds the operations; [`LeafInfo`] and [`LeafConnect`] read the JSON
//! of INFO and CONNECT. Out: the same two, [`append_leaf`](crate::route::interest::append_leaf) for LS+ and LS-, and
//! [`routed`](crate::routed) for messages.

mod connect;
mod info;

pub use connect::LeafConnect;
pub use info::LeafInfo;

/// Each server asks, in an account with leaf nodes, for a subject of its own that begins so: who is asked for its own is in a
/// loop.
pub const LOOP_DETECTION_PREFIX: &str = "$LDS.";

/// What replies begin with that are on their way through gateways.
const GATEWAY_REPLY_PREFIXES: [&[u8]; 2] = [b"_GR_.", b"$GR."];

/// Whether interest in a subject is told and taken whatever the permissions of a link say: it is how servers find loops, and
/// how answers find back.
pub fn is_between_servers(subject: &[u8]) -> bool {
    let prefixes = GATEWAY_REPLY_PREFIXES.iter().copied();
    let mut prefixes = prefixes.chain([LOOP_DETECTION_PREFIX.as_bytes()]);
    prefixes.any(|prefix| subject.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::is_between_servers;

    #[test]
    fn some_interest_is_of_servers_alone() {
        for (subject, is_it) in [
            ("$LDS.abc", true),
            ("_GR_.a.b.c", true),
            ("$GR.a.b", true),
            ("$LDS", false),
            ("a", false),
        ] {
            assert_eq!(is_between_servers(subject.as_bytes()), is_it, "{subject}");
        }
    }
}
