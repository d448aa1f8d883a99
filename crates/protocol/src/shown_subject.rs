//! Messages of streams show another subject than the one that brings them to who asked for them. Between servers, and between
//! accounts, the subject shown stands behind the reply: `$JS.ACK.<stream>.<consumer>. … @<subject>`.

/// What such replies begin with.
const ACKNOWLEDGED_ON: &[u8] = b"$JS.ACK.";

/// So many dots such a reply has at least before the `@`: names may have one, too.
const DOTS: usize = 8;

/// Whether messages are acknowledged on this reply.
pub fn is_acknowledged_on(reply: &[u8]) -> bool {
    reply.starts_with(ACKNOWLEDGED_ON)
}

/// The reply as who gets the message sees it, and the subject that is shown; None if the reply says none.
pub fn split(reply: &[u8]) -> Option<(&[u8], &[u8])> {
    if !is_acknowledged_on(reply) {
        return None;
    }
    let mut dots = 0;
    let at = reply.iter().position(|byte| {
        dots += usize::from(*byte == b'.');
        *byte == b'@' && dots >= DOTS
    })?;
    let (reply, shown) = (reply.get(..at)?, reply.get(at + 1..)?);
    (!shown.is_empty()).then_some((reply, shown))
}

/// Writes a reply that says which subject is shown, where one can.
pub fn write(reply: &[u8], shown: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(reply);
    if is_acknowledged_on(reply) && split(reply).is_none() {
        out.push(b'@');
        out.extend_from_slice(shown);
    }
}

#[cfg(test)]
mod tests {
    use super::{split, write};

    #[test]
    fn what_is_written_is_split() {
        for (reply, shown) in [
            ("$JS.ACK.S.C.1.1.1.1796079180857950473.4", "orders.new"),
            ("$JS.ACK.S@x.C@y.1.1.1.1.4", "a@b"),
            ("$JS.ACK._.hash.S.C.1.1.1.1.4", "x"),
        ] {
            let mut written = Vec::new();
            write(reply.as_bytes(), shown.as_bytes(), &mut written);
            assert_eq!(written, format!("{reply}@{shown}").as_bytes());
            assert_eq!(split(&written), Some((reply.as_bytes(), shown.as_bytes())));
            // Where it says so already it says so once.
            let mut again = Vec::new();
            write(&written, b"other", &mut again);
            assert_eq!(again, written);
        }
    }

    #[test]
    fn other_replies_say_nothing() {
        for reply in [
            "",
            "_INBOX.a@b",
            "$JS.ACK.S.C@x",
            "$JS.ACK.S.C.1.1.1.1.4",
            "$JS.ACK.S.C.1.1.1.1.4@",
        ] {
            assert_eq!(split(reply.as_bytes()), None, "{reply}");
        }
        let mut written = Vec::new();
        write(b"_INBOX.a", b"x", &mut written);
        assert_eq!(written, b"_INBOX.a");
    }
}
