//! What was encoded for a subscriber, taken apart again: the other side of [`crate::message`].

use thiserror::Error;

/// The longest control line of a delivery: a subject and a reply subject fill one line of a client each.
const LONGEST_LINE: usize = 2 * 1024 * 1024;

/// A message as a subscriber gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery<'a> {
    /// What it was published on.
    pub subject: &'a [u8],
    /// The subscriber's name for its subscription.
    pub sid: &'a [u8],
    /// Where answers go.
    pub reply: Option<&'a [u8]>,
    /// The header block, from `NATS/1.0` to the empty line; empty if there is none.
    pub header: &'a [u8],
    /// The payload.
    pub payload: &'a [u8],
}

/// Bytes that no encoder of deliveries makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a delivery")]
pub struct NotADelivery;

/// The delivery at the start of `input` and its length in bytes; None if more has to come.
///
/// # Errors
/// When no delivery begins like this.
pub fn parse(input: &[u8]) -> Result<Option<(Delivery<'_>, usize)>, NotADelivery> {
    let searched = &input[..input.len().min(LONGEST_LINE)];
    let Some(end) = memchr::memmem::find(searched, b"\r\n") else {
        return if input.len() >= LONGEST_LINE {
            Err(NotADelivery)
        } else {
            Ok(None)
        };
    };
    let (line, rest) = (&input[..end], &input[end + 2..]);
    let mut words = line.split(|byte| *byte == b' ');
    let has_header = match words.next() {
        Some(b"MSG") => false,
        Some(b"HMSG") => true,
        _ => return Err(NotADelivery),
    };
    let words: Vec<&[u8]> = words.collect();
    let (subject, sid, reply, sizes) = match (words.as_slice(), has_header) {
        ([subject, sid, sizes @ ..], false) if sizes.len() == 1 => (subject, sid, None, sizes),
        ([subject, sid, sizes @ ..], true) if sizes.len() == 2 => (subject, sid, None, sizes),
        ([subject, sid, reply, sizes @ ..], false) if sizes.len() == 1 => (subject, sid, Some(*reply), sizes),
        ([subject, sid, reply, sizes @ ..], true) if sizes.len() == 2 => (subject, sid, Some(*reply), sizes),
        _ => return Err(NotADelivery),
    };
    let size = |at: usize| number(sizes.get(at).copied().unwrap_or_default()).ok_or(NotADelivery);
    let total = size(sizes.len() - 1)?;
    let header_size = if has_header { size(0)? } else { 0 };
    if header_size > total {
        return Err(NotADelivery);
    }
    let Some(after) = rest.get(total..) else {
        return Ok(None);
    };
    match after {
        [] | [b'\r'] => return Ok(None),
        [b'\r', b'\n', ..] => {}
        _ => return Err(NotADelivery),
    }
    let delivery = Delivery {
        subject,
        sid,
        reply,
        header: &rest[..header_size],
        payload: &rest[header_size..total],
    };
    Ok(Some((delivery, end + 2 + total + 2)))
}

/// Digits; more than nine are no size of a message.
fn number(digits: &[u8]) -> Option<usize> {
    let fits = (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| fits)?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Delivery, NotADelivery, parse};
    use crate::message::{append_parts, append_prefix};

    fn encode(reply: Option<&[u8]>, header: &[u8], payload: &[u8]) -> Vec<u8> {
        let header = (!header.is_empty()).then_some(header);
        let mut prefix = Vec::new();
        append_prefix(&mut prefix, header.is_some(), b"a.b", b"7");
        let mut out = Vec::new();
        append_parts(&mut out, &prefix, reply, header, payload);
        out
    }

    #[test]
    fn what_is_encoded_is_found_again_once_all_of_it_is_there() {
        let header = b"NATS/1.0\r\nA: b\r\n\r\n";
        for (reply, header, payload) in [
            (None, &b""[..], &b""[..]),
            (None, b"", b"MSG a 1 1\r\n"),
            (Some(&b"r.s"[..]), b"", b"payload"),
            (None, header, b""),
            (Some(b"r.s"), header, b"payload\r\n"),
        ] {
            let encoded = encode(reply, header, payload);
            for cut in 0..encoded.len() {
                assert_eq!(parse(&encoded[..cut]), Ok(None), "{cut}");
            }
            let expected = Delivery {
                subject: b"a.b",
                sid: b"7",
                reply,
                header,
                payload,
            };
            let twice = encoded.repeat(2);
            assert_eq!(parse(&twice), Ok(Some((expected, encoded.len()))));
        }
    }

    #[test]
    fn what_no_encoder_makes_is_told() {
        for bytes in [
            "PING\r\n",
            "\r\n",
            "MSG a\r\n",
            "MSG a 1 x\r\n",
            "MSG a 1 r s 1\r\n",
            "HMSG a 1 2\r\n",
            "HMSG a 1 3 2\r\nab\r\n",
            "MSG a 1 2\r\nabcd",
            "MSG a 1 9999999999\r\n",
            "MSG a 1 -1\r\n",
        ] {
            assert_eq!(parse(bytes.as_bytes()), Err(NotADelivery), "{bytes:?}");
        }
    }
}
