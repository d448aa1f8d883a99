//! Telling another server what this one is interested in.

/// Appends RS+, or RS- where `weight` is 0. The account is left out where a route carries one alone. `weight` is how many
/// members the queue group has, and says nothing else than 0 or not without one.
pub fn append(out: &mut Vec<u8>, account: Option<&[u8]>, subject: &[u8], queue: Option<&[u8]>, weight: u32) {
    let words = [account, Some(subject), queue].into_iter().flatten();
    out.extend_from_slice(if weight > 0 { b"RS+" } else { b"RS-" });
    for word in words {
        out.push(b' ');
        out.extend_from_slice(word);
    }
    if weight > 0 && queue.is_some() {
        out.push(b' ');
        out.extend_from_slice(weight.to_string().as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::append;

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
}
