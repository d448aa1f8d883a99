//! Telling another server what this one is interested in.

/// Appends RS+, or RS- where `weight` is 0. The account is left out where a route carries one alone. `weight` is how many
/// members the queue group has, and says nothing else than 0 or not without one.
pub fn append(out: &mut Vec<u8>, account: Option<&[u8]>, subject: &[u8], queue: Option<&[u8]>, weight: u32) {
    let words = [None, account, Some(subject), queue];
    append_line(out, if weight > 0 { b"RS+" } else { b"RS-" }, words, weight);
}

/// How it is said that leaf nodes are of no cluster.
const NO_CLUSTER: &[u8] = b"_";

/// The same, of leaf nodes of a cluster: LS+ or LS-, with its name, which is empty where they are of none.
pub fn append_of_leaf_nodes(
    out: &mut Vec<u8>,
    cluster: &[u8],
    account: Option<&[u8]>,
    (subject, queue): (&[u8], Option<&[u8]>),
    weight: u32,
) {
    let cluster = if cluster.is_empty() { NO_CLUSTER } else { cluster };
    let words = [Some(cluster), account, Some(subject), queue];
    append_line(out, if weight > 0 { b"LS+" } else { b"LS-" }, words, weight);
}

/// The same, in the words of leaf nodes and their hubs: LS+ or LS-, without an account.
pub fn append_leaf(out: &mut Vec<u8>, subject: &[u8], queue: Option<&[u8]>, weight: u32) {
    let words = [None, None, Some(subject), queue];
    append_line(out, if weight > 0 { b"LS+" } else { b"LS-" }, words, weight);
}

/// The last of the words is the queue group.
fn append_line(out: &mut Vec<u8>, verb: &[u8], words: [Option<&[u8]>; 4], weight: u32) {
    out.extend_from_slice(verb);
    for word in words.into_iter().flatten() {
        out.push(b' ');
        out.extend_from_slice(word);
    }
    if weight > 0 && words[3].is_some() {
        out.push(b' ');
        out.extend_from_slice(weight.to_string().as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::{append, append_leaf, append_of_leaf_nodes};

    #[test]
    fn interest_is_a_line() {
        for (account, queue, weight, line) in [
            (Some("$G"), None, 1, "RS+ $G a.*\r\n"),
            (Some("$G"), None, 0, "RS- $G a.*\r\n"),
            (Some("A"), Some("q"), 12, "RS+ A a.* q 12\r\n"),
            (Some("A"), Some("q"), 0, "RS- A a.* q\r\n"),
            (None, Some("q"), 1, "RS+ a.* q 1\r\n"),
        ] {
            let mut out = Vec::new();
            let bytes = |text: Option<&'static str>| text.map(str::as_bytes);
            append(&mut out, bytes(account), b"a.*", bytes(queue), weight);
            assert_eq!(String::from_utf8(out).unwrap(), line);
        }
    }

    #[test]
    fn that_of_leaf_nodes_is_said_by_cluster() {
        let mut out = Vec::new();
        append_of_leaf_nodes(&mut out, b"edge", Some(b"$G"), (b"a.*", None), 1);
        append_of_leaf_nodes(&mut out, b"edge", None, (b"a", Some(b"q")), 2);
        append_of_leaf_nodes(&mut out, b"", Some(b"$G"), (b"a", Some(b"q")), 0);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "LS+ edge $G a.*\r\nLS+ edge a q 2\r\nLS- _ $G a q\r\n"
        );
    }

    #[test]
    fn that_of_a_leaf_node_names_no_account() {
        let mut out = Vec::new();
        append_leaf(&mut out, b"a.*", None, 1);
        append_leaf(&mut out, b"a", Some(b"q"), 2);
        append_leaf(&mut out, b"a", Some(b"q"), 0);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "LS+ a.*\r\nLS+ a q 2\r\nLS- a q\r\n"
        );
    }
}
