//! What a reply subject says of the batch that its message is of.

use bytes::Bytes;

/// How all such subjects end.
const ENDING: &[u8] = b".$FI";

/// After how many messages a publisher is told how far he is, if he says nothing that can be.
const FLOW: u16 = 10;

/// Which message of which batch it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stream) struct Place {
    pub(in crate::stream) batch: Bytes,
    /// After how many messages its publisher wants to be told how far he is, at most.
    pub(in crate::stream) flow: u16,
    /// Whether messages may be missing.
    pub(in crate::stream) allows_gaps: bool,
    /// Its place, from 1 on.
    pub(in crate::stream) sequence: u64,
    pub(in crate::stream) operation: Operation,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stream) enum Operation {
    /// A batch begins with it.
    Start,
    /// It follows others.
    Append,
    /// The batch ends with it.
    Commit,
    /// The batch ends before it: it is not stored.
    CommitBefore,
    /// It is no message: the publisher asks how far he is.
    Ping,
}

/// A subject that ends as if it said so, and does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stream) struct NoPlace;

impl Place {
    /// What a reply subject says; None if it is an ordinary one.
    pub(in crate::stream) fn of(reply: &Bytes) -> Option<Result<Self, NoPlace>> {
        let said = reply.strip_suffix(ENDING).filter(|said| !said.is_empty())?;
        Some(Self::read(said).ok_or(NoPlace))
    }

    fn read(said: &[u8]) -> Option<Self> {
        let mut tokens = said.rsplit(|byte| *byte == b'.');
        let operation = match crate::header::number(tokens.next()?)? {
            0 => Operation::Start,
            1 => Operation::Append,
            2 => Operation::Commit,
            3 => Operation::CommitBefore,
            4 => Operation::Ping,
            _ => return None,
        };
        let sequence = crate::header::number(tokens.next()?)?;
        let is_possible = match (operation, sequence) {
            (_, 0 | u64::MAX) | (Operation::CommitBefore | Operation::Append, 1) => false,
            (Operation::Start, sequence) => sequence == 1,
            _ => true,
        };
        let allows_gaps = match tokens.next()? {
            b"ok" => true,
            b"fail" => false,
            _ => return None,
        };
        let flow = match crate::header::number(tokens.next()?) {
            None | Some(0) => FLOW,
            Some(flow) => u16::try_from(flow).unwrap_or(u16::MAX),
        };
        let batch = tokens.next()?;
        // Something stands before it.
        tokens.next()?;
        is_possible.then(|| Self {
            batch: Bytes::copy_from_slice(batch),
            flow,
            allows_gaps,
            sequence,
            operation,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{NoPlace, Operation, Place};
    use bytes::Bytes;

    #[test]
    fn is_read_from_reply_subjects() {
        let read = |text: &'static str| Place::of(&Bytes::from_static(text.as_bytes()));
        let place = read("_INBOX.x.id.100.ok.7.1.$FI").unwrap().unwrap();
        assert_eq!(
            (
                &*place.batch,
                place.flow,
                place.allows_gaps,
                place.sequence,
                place.operation
            ),
            (&b"id"[..], 100, true, 7, Operation::Append)
        );
        assert_eq!(read("i.id.0.fail.1.0.$FI").unwrap().unwrap().flow, 10);
        assert_eq!(read("i.id.99999.fail.1.2.$FI").unwrap().unwrap().flow, u16::MAX);
        for text in ["", "_INBOX.x", ".$FI", "$FI", "a.$FI.b"] {
            assert_eq!(read(text), None, "{text}");
        }
        for text in [
            "i.id.10.ok.1.5.$FI",
            "i.id.10.ok.0.1.$FI",
            "i.id.10.ok.1.1.$FI",
            "i.id.10.ok.2.0.$FI",
            "i.id.10.ok.1.3.$FI",
            "i.id.10.maybe.2.1.$FI",
            "id.10.ok.2.1.$FI",
            "i.id.10.ok.18446744073709551615.1.$FI",
            "x.$FI",
        ] {
            assert_eq!(read(text), Some(Err(NoPlace)), "{text}");
        }
    }
}
