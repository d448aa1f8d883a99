//! Flow control of what is pushed: who gets it says from time to time how far he has come, and no more than a window is
//! on its way to him.
//!
//! An answer counts if it is to the last request; answers to older ones are nothing, and nothing waits for them. The window
//! grows with each answer.

use bytes::Bytes;

/// How large the window gets, in bytes.
const LARGEST: usize = 32 * 1024 * 1024;
/// How large it is at first.
const SMALLEST: usize = LARGEST / 16;

/// How much is on its way.
#[derive(Debug)]
pub(crate) struct Flow {
    /// In bytes.
    pending: usize,
    window: usize,
    /// The request that is to be answered.
    asked: Option<Asked>,
}

#[derive(Debug)]
struct Asked {
    /// Where the answer goes.
    subject: Bytes,
    /// How many bytes have then arrived.
    bytes: usize,
}

impl Default for Flow {
    fn default() -> Self {
        Self {
            pending: 0,
            window: SMALLEST,
            asked: None,
        }
    }
}

impl Flow {
    /// Whether nothing more may be sent.
    pub(crate) fn is_stalled(&self) -> bool {
        self.pending > self.window
    }

    /// The subject on which an answer is waited for.
    pub(crate) fn asked(&self) -> Option<&Bytes> {
        self.asked.as_ref().map(|asked| &asked.subject)
    }

    /// So many bytes are sent. Whether an answer is to be asked for; also if `is_last`, as nothing more can be sent.
    pub(crate) fn sent(&mut self, bytes: usize, is_last: bool) -> bool {
        self.pending += bytes;
        match &mut self.asked {
            None => self.pending > self.window / 2 || is_last,
            Some(asked) => {
                if self.pending.saturating_sub(asked.bytes) >= self.window {
                    asked.bytes += bytes;
                }
                false
            }
        }
    }

    /// An answer is asked for.
    pub(crate) fn ask(&mut self, subject: Bytes) {
        let bytes = self.pending;
        self.asked = Some(Asked { subject, bytes });
    }

    /// Somebody has answered. Says whether that was what was asked for last.
    pub(crate) fn answered(&mut self, subject: &[u8]) -> bool {
        match self.asked.take() {
            Some(asked) if asked.subject == subject => {
                self.window = (self.window * 2).min(LARGEST);
                self.pending = self.pending.saturating_sub(asked.bytes);
                true
            }
            other => {
                self.asked = other;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Flow, SMALLEST};
    use bytes::Bytes;

    #[test]
    fn only_the_answer_to_the_last_request_counts() {
        let mut flow = Flow::default();
        assert!(!flow.sent(SMALLEST / 2, false));
        assert!(flow.sent(1, false));
        flow.ask(Bytes::from_static(b"one"));
        assert!(!flow.sent(SMALLEST, false) && flow.is_stalled());
        assert!(!flow.answered(b"none") && flow.is_stalled());
        assert!(flow.answered(b"one") && !flow.is_stalled());
        assert!(!flow.answered(b"one"));
        // Twice as much is now on its way before one is asked for again.
        assert!(!flow.sent(SMALLEST, false));
        assert!(flow.sent(1, false));
        flow.ask(Bytes::from_static(b"two"));
        assert!(flow.answered(b"two"));
        assert!(flow.sent(0, true));
    }
}
