//! What who pulls messages of a consumer asks for, and what he is told (ADR-13 of NATS).

pub mod consumer;

use crate::neutral::NeutralMessage;
use std::time::Duration;

/// How many messages are asked for at once.
const MESSAGES: u64 = 10_000;

/// For how long, and how often who asks hears that he is still known, in nanoseconds.
const EXPIRES: u64 = 30_000_000_000;
const HEARTBEAT: u64 = 5_000_000_000;

/// After so long without a heartbeat what was asked for will not come.
const SILENT_AT_MOST: Duration = Duration::from_secs(12);

/// What the subjects begin with on which messages of streams are acknowledged.
const ACKNOWLEDGED_ON: &[u8] = b"$JS.ACK.";

/// One request at a time. What time it is, is told by how long ago any one moment was.
#[derive(Debug)]
pub struct Pulling {
    request: Vec<u8>,
    under_way: Option<UnderWay>,
}

#[derive(Debug)]
struct UnderWay {
    /// How many messages are still to come.
    left: u64,
    heard: Duration,
}

/// What has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Pulled {
    /// A message, which is to be acknowledged.
    Message,
    /// How the request stands.
    Word,
}

impl Pulling {
    /// For so many bytes at once.
    pub fn new(bytes: usize) -> Self {
        let request = format!(
            r#"{{"batch":{MESSAGES},"max_bytes":{bytes},"expires":{EXPIRES},"idle_heartbeat":{HEARTBEAT}}}"#
        );
        Self {
            request: request.into_bytes(),
            under_way: None,
        }
    }

    /// What is to be asked for now. None: it has been, and not all has come.
    pub fn ask(&mut self, now: Duration) -> Option<Vec<u8>> {
        if self.under_way.is_some() {
            return None;
        }
        self.under_way = Some(UnderWay {
            left: MESSAGES,
            heard: now,
        });
        Some(self.request.clone())
    }

    /// Until when something has to come.
    pub fn patience(&self) -> Option<Duration> {
        self.under_way.as_ref().map(|it| it.heard + SILENT_AT_MOST)
    }

    /// Nothing came.
    pub fn give_up(&mut self) {
        self.under_way = None;
    }

    /// Something has come.
    ///
    /// # Errors
    /// Why nothing more will, whatever is asked for.
    pub fn hear(&mut self, message: &NeutralMessage<'_>, now: Duration) -> Result<Pulled, String> {
        let is_message = message
            .reply
            .is_some_and(|reply| reply.starts_with(ACKNOWLEDGED_ON));
        let Some(under_way) = &mut self.under_way else {
            // It comes late.
            return Ok(if is_message { Pulled::Message } else { Pulled::Word });
        };
        under_way.heard = now;
        if is_message {
            under_way.left -= 1;
            if under_way.left == 0 {
                self.under_way = None;
            }
            return Ok(Pulled::Message);
        }
        let has_some = under_way.left < MESSAGES;
        match status(message.header) {
            Some((b"100", _)) => {}
            Some((b"404" | b"408", _) | (b"409", b"Batch Completed" | b"Leadership Change")) => {
                self.under_way = None;
            }
            // The next is too large for what is left.
            Some((b"409", b"Message Size Exceeds MaxBytes")) if has_some => self.under_way = None,
            Some((b"503", _)) => return Err("nobody answers for the consumer".to_owned()),
            Some((_, text)) => return Err(String::from_utf8_lossy(text).into_owned()),
            None => {}
        }
        Ok(Pulled::Word)
    }
}

/// The code and the text of the status in a header.
fn status(header: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = header.strip_prefix(b"NATS/1.0 ")?;
    let line = line.split(|byte| *byte == b'\r').next()?;
    let (code, text) = line.split_at_checked(3)?;
    Some((code, text.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::{MESSAGES, Pulled, Pulling, SILENT_AT_MOST};
    use crate::neutral::NeutralMessage;
    use std::time::Duration;

    const NOW: Duration = Duration::from_secs(100);

    fn told(pulling: &mut Pulling, header: &str) -> Result<Pulled, String> {
        let header = format!("NATS/1.0 {header}\r\n\r\n");
        let message = NeutralMessage {
            subscription: 1,
            subject: b"inbox",
            reply: None,
            header: header.as_bytes(),
            payload: b"",
        };
        pulling.hear(&message, NOW)
    }

    fn given(pulling: &mut Pulling) -> Result<Pulled, String> {
        let message = NeutralMessage {
            subscription: 1,
            subject: b"orders.new",
            reply: Some(b"$JS.ACK.S.C.1.1.1.1.0"),
            header: b"",
            payload: b"x",
        };
        pulling.hear(&message, NOW)
    }

    fn begun() -> Pulling {
        let mut pulling = Pulling::new(1000);
        assert!(pulling.ask(NOW).is_some());
        pulling
    }

    fn asks_again(mut pulling: Pulling) -> bool {
        pulling.ask(NOW).is_some()
    }

    #[test]
    fn there_is_one_request_at_a_time() {
        let mut pulling = begun();
        for _ in 1..MESSAGES {
            assert_eq!(given(&mut pulling), Ok(Pulled::Message));
            assert!(pulling.ask(NOW).is_none());
        }
        assert_eq!(given(&mut pulling), Ok(Pulled::Message));
        assert!(asks_again(pulling));
    }

    #[test]
    fn what_ends_a_request_is_followed_by_another() {
        for status in [
            "404 No Messages",
            "408 Request Timeout",
            "409 Batch Completed",
            "409 Leadership Change",
        ] {
            let mut pulling = begun();
            assert_eq!(told(&mut pulling, status), Ok(Pulled::Word), "{status}");
            assert!(asks_again(pulling), "{status}");
        }
        let mut pulling = begun();
        assert_eq!(told(&mut pulling, "100 Idle Heartbeat"), Ok(Pulled::Word));
        assert!(!asks_again(pulling));
    }

    #[test]
    fn what_cannot_be_is_told() {
        for (status, reason) in [
            ("503", "nobody answers for the consumer"),
            ("409 Consumer Deleted", "Consumer Deleted"),
            (
                "409 Message Size Exceeds MaxBytes",
                "Message Size Exceeds MaxBytes",
            ),
        ] {
            assert_eq!(told(&mut begun(), status), Err(reason.to_owned()));
        }
        // Others came before: there is room for it next time.
        let mut pulling = begun();
        assert_eq!(given(&mut pulling), Ok(Pulled::Message));
        assert_eq!(
            told(&mut pulling, "409 Message Size Exceeds MaxBytes"),
            Ok(Pulled::Word)
        );
        assert!(asks_again(pulling));
    }

    #[test]
    fn who_is_not_heard_is_asked_again() {
        let began = NOW;
        let mut pulling = Pulling::new(1000);
        assert!(pulling.patience().is_none());
        let request = pulling.ask(began).unwrap();
        assert_eq!(pulling.patience(), Some(began + SILENT_AT_MOST));
        told(&mut pulling, "100 Idle Heartbeat").unwrap();
        assert!(pulling.patience() >= Some(began + SILENT_AT_MOST));
        pulling.give_up();
        assert_eq!(pulling.ask(began + Duration::from_secs(60)), Some(request));
    }
}
