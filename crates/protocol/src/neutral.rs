//! Messages in no peer's language, for whatever lives in the server itself: streams, connectors, sessions of other
//! protocols.
//!
//! ```text
//! subscription  subject length  subject  reply length  header length  payload length  reply  header  payload
//! ```
//!
//! Numbers have four bytes, the lowest first. The first three are the start, which is the same for all messages on a
//! subject; the rest is the same for all subscriptions. So encoding is a few copies, and taking a message apart finds all
//! of it where it is.

/// Bytes of a number.
const NUMBER: usize = 4;

/// What stands before the subject, in bytes.
pub const BEFORE_SUBJECT: usize = 2 * NUMBER;

/// What stands between the subject and the reply, in bytes.
pub const SIZES: usize = 3 * NUMBER;

/// A message as the owner of a subscription gets it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeutralMessage<'a> {
    /// The owner's number of the subscription.
    pub subscription: u32,
    /// What it was published on.
    pub subject: &'a [u8],
    /// Where answers go.
    pub reply: Option<&'a [u8]>,
    /// The header block, from `NATS/1.0` to the empty line; empty if there is none.
    pub header: &'a [u8],
    /// The payload.
    pub payload: &'a [u8],
}

impl NeutralMessage<'_> {
    /// Bytes of it as it is encoded.
    pub fn encoded_length(&self) -> usize {
        let reply = self.reply.map_or(0, <[u8]>::len);
        BEFORE_SUBJECT + self.subject.len() + SIZES + reply + self.header.len() + self.payload.len()
    }
}

/// What a message begins with, up to its subject.
pub fn before_subject(subscription: u32, subject_length: usize) -> [u8; BEFORE_SUBJECT] {
    numbers([subscription, size(subject_length)])
}

/// What follows the subject, up to the reply. Sizes in bytes, 0 for a reply or header that there is not.
pub fn sizes(reply: usize, header: usize, payload: usize) -> [u8; SIZES] {
    numbers([size(reply), size(header), size(payload)])
}

/// No message has parts that a number of four bytes does not hold: it would be 64 times as large as any may be.
fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn numbers<const COUNT: usize, const BYTES: usize>(numbers: [u32; COUNT]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (bytes, number) in bytes.chunks_exact_mut(NUMBER).zip(numbers) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

/// Takes the message at the start of `input`, which goes on behind it. None, and `input` stays, if none is there.
pub fn take<'a>(input: &mut &'a [u8]) -> Option<NeutralMessage<'a>> {
    let mut rest = *input;
    let [subscription, subject] = take_numbers(&mut rest)?;
    let subject = take_bytes(&mut rest, subject)?;
    let [reply, header, payload] = take_numbers(&mut rest)?;
    let reply = take_bytes(&mut rest, reply)?;
    let header = take_bytes(&mut rest, header)?;
    let payload = take_bytes(&mut rest, payload)?;
    *input = rest;
    Some(NeutralMessage {
        subscription,
        subject,
        reply: (!reply.is_empty()).then_some(reply),
        header,
        payload,
    })
}

/// How many messages there are in what was encoded.
pub fn count(mut encoded: &[u8]) -> usize {
    std::iter::from_fn(|| take(&mut encoded)).count()
}

fn take_numbers<const COUNT: usize>(rest: &mut &[u8]) -> Option<[u32; COUNT]> {
    let mut numbers = [0; COUNT];
    for number in &mut numbers {
        let (first, others) = rest.split_first_chunk::<NUMBER>()?;
        *number = u32::from_le_bytes(*first);
        *rest = others;
    }
    Some(numbers)
}

fn take_bytes<'a>(rest: &mut &'a [u8], length: u32) -> Option<&'a [u8]> {
    let (taken, others) = rest.split_at_checked(length as usize)?;
    *rest = others;
    Some(taken)
}

/// The number that a subscription's id stands for in the server itself: decimal digits. 0 if it is none.
pub fn subscription_number(sid: &[u8]) -> u32 {
    std::str::from_utf8(sid)
        .ok()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(message: &NeutralMessage<'_>) -> Vec<u8> {
        let reply = message.reply.unwrap_or_default();
        let parts: [&[u8]; 6] = [
            &before_subject(message.subscription, message.subject.len()),
            message.subject,
            &sizes(reply.len(), message.header.len(), message.payload.len()),
            reply,
            message.header,
            message.payload,
        ];
        parts.concat()
    }

    const HEADER: &[u8] = b"NATS/1.0\r\nA: b\r\n\r\n";

    fn messages() -> Vec<NeutralMessage<'static>> {
        let message = |subscription, subject, reply, header, payload| NeutralMessage {
            subscription,
            subject,
            reply,
            header,
            payload,
        };
        vec![
            message(1, &b"a.b"[..], None, &b""[..], &b""[..]),
            message(0, b"a", Some(&b"r.s"[..]), b"", b"payload"),
            message(u32::MAX, b"a.b.c", None, HEADER, b""),
            message(77, b"a", Some(b"r"), HEADER, b"payload\r\n"),
        ]
    }

    #[test]
    fn what_is_encoded_is_taken_apart_again() {
        let encoded: Vec<u8> = messages().iter().flat_map(encode).collect();
        let mut rest = &encoded[..];
        for message in messages() {
            let before = rest.len();
            assert_eq!(take(&mut rest), Some(message));
            assert_eq!(before - rest.len(), message.encoded_length());
        }
        assert_eq!((take(&mut rest), rest), (None, &b""[..]));
        assert_eq!(count(&encoded), messages().len());
    }

    #[test]
    fn what_is_cut_is_none() {
        for message in messages() {
            let encoded = encode(&message);
            for cut in 0..encoded.len() {
                let mut rest = &encoded[..cut];
                assert_eq!((take(&mut rest), rest.len()), (None, cut));
            }
        }
    }

    #[test]
    fn a_subscription_has_a_number() {
        for (sid, number) in [
            ("0", 0),
            ("17", 17),
            ("4294967295", u32::MAX),
            ("4294967296", 0),
            ("x", 0),
            ("", 0),
        ] {
            assert_eq!(subscription_number(sid.as_bytes()), number, "{sid}");
        }
    }
}
