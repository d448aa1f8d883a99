//! What other servers ask here and want to know how long the answer took.

use super::Account;
use lru::LruCache;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many questions are measured at once, in one account.
const QUESTIONS_AT_MOST: usize = 16_384;

/// For how long an answer is waited for; who asked has not waited longer unless its service is allowed more.
const WAITED_AT_MOST: Duration = Duration::from_secs(300);

/// The longest reply subject, in bytes, of a question that is measured. Servers make them, and none so long.
const REPLY_AT_MOST: usize = 256;

/// The questions of other servers that are not answered, by their reply subjects, and where it is told how long that took.
#[derive(Debug)]
pub(crate) struct Questions {
    system: Arc<Account>,
    asked: Mutex<LruCache<Box<[u8]>, Instant>>,
}

impl Questions {
    /// Those who ask are told in this account.
    pub(super) fn told_in(system: Arc<Account>) -> Self {
        Self {
            system,
            asked: Mutex::new(LruCache::unbounded()),
        }
    }

    /// Where those who ask are told.
    pub(crate) fn system(&self) -> &Arc<Account> {
        &self.system
    }

    /// A question has come.
    pub(crate) fn asked(&self, reply: &[u8], now: Instant) {
        if reply.len() > REPLY_AT_MOST {
            return;
        }
        let mut asked = self.asked.lock();
        let is_over = |asked: &LruCache<Box<[u8]>, Instant>| {
            let first = asked.peek_lru();
            asked.len() >= QUESTIONS_AT_MOST
                || first.is_some_and(|(_, at)| now.saturating_duration_since(*at) >= WAITED_AT_MOST)
        };
        while is_over(&asked) {
            asked.pop_lru();
        }
        asked.put(reply.into(), now);
    }

    /// When the question came that is answered on this subject: once for each.
    pub(crate) fn answered(&self, subject: &[u8]) -> Option<Instant> {
        self.asked.lock().pop(subject)
    }
}

#[cfg(test)]
mod tests {
    use super::{QUESTIONS_AT_MOST, Questions, REPLY_AT_MOST, WAITED_AT_MOST};
    use crate::account::Account;
    use std::sync::Arc;
    use std::time::Instant;
    use vagus_routing::AccountId;

    fn questions() -> Questions {
        Questions::told_in(Arc::new(Account::new(AccountId(1), "SYS")))
    }

    #[test]
    fn each_is_answered_once() {
        let (questions, now) = (questions(), Instant::now());
        questions.asked(b"r", now);
        assert_eq!(
            (questions.answered(b"r"), questions.answered(b"r")),
            (Some(now), None)
        );
    }

    #[test]
    fn those_that_nobody_answers_make_room() {
        let (questions, now) = (questions(), Instant::now());
        questions.asked(&vec![b'r'; REPLY_AT_MOST + 1], now);
        assert_eq!(questions.asked.lock().len(), 0);
        for number in 0..=QUESTIONS_AT_MOST {
            questions.asked(number.to_string().as_bytes(), now);
        }
        assert_eq!(questions.asked.lock().len(), QUESTIONS_AT_MOST);
        assert_eq!(questions.answered(b"0"), None);
        questions.asked(b"r", now + WAITED_AT_MOST);
        assert_eq!(questions.asked.lock().len(), 1);
    }
}
