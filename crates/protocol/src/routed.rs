//! Encoding messages for other servers: RMSG, LMSG, and HMSG for those with headers.
//!
//! A peer gets one line of a message, however many of its clients are interested: with the subject, the reply, and the
//! names of the queue groups of which it is to serve a member. It is a start, made once for a subject, and what follows:
//! without queue groups that is, byte for byte, what follows in a client's line ([`Publish::tail`]).
//!
//! [`Publish::tail`]: crate::operation::Publish::tail

/// What a peer's lines look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerLine {
    /// `RMSG account subject …`: routes.
    WithAccount,
    /// `RMSG subject …`: routes that carry one account alone.
    OfOneAccount,
    /// `RMSG account subject …`: gateways, which are not told which cluster of leaf nodes a message is from.
    Gateway,
    /// `LMSG subject …`: leaf nodes, and the hub of one.
    LeafNode,
}

/// Appends the start of a line: the verb, the account where it is said, and the subject, each with its blank. `headers`:
/// for a message with a header block that is delivered with it.
pub fn append_start(out: &mut Vec<u8>, line: PeerLine, headers: bool, account: &[u8], subject: &[u8]) {
    let verb: &[u8] = match (headers, line) {
        (true, _) => b"HMSG ",
        (false, PeerLine::WithAccount | PeerLine::OfOneAccount | PeerLine::Gateway) => b"RMSG ",
        (false, PeerLine::LeafNode) => b"LMSG ",
    };
    out.reserve(verb.len() + account.len() + subject.len() + 2);
    out.extend_from_slice(verb);
    if matches!(line, PeerLine::WithAccount | PeerLine::Gateway) {
        append_word(out, account);
    }
    append_word(out, subject);
}

/// The same, on a route, for a message of a leaf node: it says which cluster that is of, so that nobody sends the message back
/// there. Behind the reply the size of the header block is always said: see [`NO_HEADERS`].
pub fn append_start_of_leaf(
    out: &mut Vec<u8>,
    line: PeerLine,
    cluster: &[u8],
    account: &[u8],
    subject: &[u8],
) {
    out.extend_from_slice(b"LMSG ");
    append_word(out, cluster);
    if line == PeerLine::WithAccount {
        append_word(out, account);
    }
    append_word(out, subject);
}

/// The size of the header block of a message that has none, where it is said.
pub const NO_HEADERS: &[u8] = b"0 ";

/// Appends the reply and the queue groups that the peer is to serve: what a tail begins with, in place of the reply. There
/// is at least one group.
pub fn append_queues<'a>(
    out: &mut Vec<u8>,
    reply: Option<&[u8]>,
    queues: impl IntoIterator<Item = &'a [u8]>,
) {
    match reply {
        Some(reply) => {
            out.extend_from_slice(b"+ ");
            append_word(out, reply);
        }
        None => out.extend_from_slice(b"| "),
    }
    for queue in queues {
        append_word(out, queue);
    }
}

fn append_word(out: &mut Vec<u8>, word: &[u8]) {
    out.extend_from_slice(word);
    out.push(b' ');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::append_parts;

    /// The line for a message without headers and the one for a message with them.
    #[track_caller]
    fn check(line: PeerLine, reply: Option<&str>, queues: &[&str], plain: &str, with_headers: &str) {
        let encode = |header: Option<&[u8]>| {
            let mut out = Vec::new();
            append_start(&mut out, line, header.is_some(), b"ACC", b"a.b");
            let reply = reply.map(str::as_bytes);
            if queues.is_empty() {
                append_parts(&mut out, b"", reply, header, b"hi");
            } else {
                append_queues(&mut out, reply, queues.iter().map(|queue| queue.as_bytes()));
                append_parts(&mut out, b"", None, header, b"hi");
            }
            String::from_utf8(out).unwrap()
        };
        assert_eq!(encode(None), plain);
        assert_eq!(encode(Some(b"NATS/1.0\r\n\r\n")), with_headers);
    }

    #[test]
    fn for_routes_and_gateways() {
        for line in [PeerLine::WithAccount, PeerLine::Gateway] {
            check_with_account(line);
        }
    }

    fn check_with_account(line: PeerLine) {
        check(
            line,
            None,
            &[],
            "RMSG ACC a.b 2\r\nhi\r\n",
            "HMSG ACC a.b 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
        );
        check(
            line,
            Some("r"),
            &[],
            "RMSG ACC a.b r 2\r\nhi\r\n",
            "HMSG ACC a.b r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
        );
        check(
            line,
            None,
            &["q1", "q2"],
            "RMSG ACC a.b | q1 q2 2\r\nhi\r\n",
            "HMSG ACC a.b | q1 q2 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
        );
        check(
            line,
            Some("r"),
            &["q1"],
            "RMSG ACC a.b + r q1 2\r\nhi\r\n",
            "HMSG ACC a.b + r q1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
        );
    }

    #[test]
    fn for_a_route_of_one_account() {
        let line = PeerLine::OfOneAccount;
        check(
            line,
            Some("r"),
            &["q"],
            "RMSG a.b + r q 2\r\nhi\r\n",
            "HMSG a.b + r q 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
        );
    }

    #[test]
    fn for_a_route_from_a_leaf_node() {
        for (line, expected) in [
            (PeerLine::WithAccount, "LMSG edge ACC a.b "),
            (PeerLine::OfOneAccount, "LMSG edge a.b "),
        ] {
            let mut out = Vec::new();
            append_start_of_leaf(&mut out, line, b"edge", b"ACC", b"a.b");
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn for_leaf_nodes() {
        let line = PeerLine::LeafNode;
        check(
            line,
            None,
            &[],
            "LMSG a.b 2\r\nhi\r\n",
            "HMSG a.b 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
        );
        check(
            line,
            None,
            &["q"],
            "LMSG a.b | q 2\r\nhi\r\n",
            "HMSG a.b | q 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
        );
    }
}
