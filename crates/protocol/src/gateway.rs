//! What servers of different clusters say to each other: interest, messages, and who they are.
//!
//! A server has one connection to each other cluster, which it has dialled and on which it sends messages, and any number of
//! connections from there, on which it gets them. Interest goes the other way on the same connections.
//!
//! In: [`parse`](crate::route::parser::parse) finds the operations; [`GatewayInfo`] reads the JSON of INFO, and
//! [`RouteConnect`](crate::route::RouteConnect) that of CONNECT. Out: the same two,
//! [`interest`](crate::route::interest) for RS+ and RS-, and [`routed`](crate::routed) for messages.

mod info;
mod reply;

pub use info::{ALL_INTEREST_ENDS, ALL_INTEREST_FOLLOWS, GOSSIP, GatewayInfo};
pub use reply::{MAPPED_PREFIX, ReplyHash, ReplyPrefix, RoutedReply, is_mapped, unmapped};

/// Appends A-: nobody wants anything in an account.
pub fn append_no_account(out: &mut Vec<u8>, account: &[u8]) {
    out.extend_from_slice(b"A- ");
    out.extend_from_slice(account);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::append_no_account;

    #[test]
    fn no_interest_in_an_account_is_a_line() {
        let mut out = Vec::new();
        append_no_account(&mut out, b"ACC");
        assert_eq!(out, b"A- ACC\r\n");
    }
}
