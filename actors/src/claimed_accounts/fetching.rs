//! Who waits for the token of which account: it is fetched once for all of them.

use super::KnownAccount;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::oneshot;

/// What was found. An error is as good as nothing.
pub type Fetched = oneshot::Receiver<Option<Arc<KnownAccount>>>;

type Waiting = Vec<oneshot::Sender<Option<Arc<KnownAccount>>>>;

/// Those who wait, by account. A connection waits for one, so connections are what bounds them.
#[derive(Debug, Default)]
pub(super) struct Fetching(Mutex<HashMap<Box<str>, Waiting, RandomState>>);

impl Fetching {
    /// Waits for this account. True: nobody else does, so it has to be fetched.
    pub(super) fn wait(&self, account: &str) -> (Fetched, bool) {
        let (tell, told) = oneshot::channel();
        let mut all = self.0.lock();
        if let Some(waiting) = all.get_mut(account) {
            // Those who have gone make room.
            waiting.retain(|one| !one.is_closed());
            waiting.push(tell);
            return (told, false);
        }
        all.insert(account.into(), vec![tell]);
        (told, true)
    }

    /// The account is about to be found, or not.
    pub(super) fn answering<'a>(&'a self, account: &'a str) -> Answering<'a> {
        Answering {
            fetching: self,
            account,
            found: None,
        }
    }
}

/// Answers those who wait for an account when it is dropped.
pub(super) struct Answering<'a> {
    fetching: &'a Fetching,
    account: &'a str,
    found: Option<Arc<KnownAccount>>,
}

impl Answering<'_> {
    pub(super) fn answer(mut self, found: Option<Arc<KnownAccount>>) {
        self.found = found;
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        let waiting = self.fetching.0.lock().remove(self.account);
        for one in waiting.into_iter().flatten() {
            // Who asked may have gone.
            let _ = one.send(self.found.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Fetching;

    #[test]
    fn one_fetches_for_all() {
        let fetching = Fetching::default();
        let (mut one, is_first) = fetching.wait("A");
        assert!(is_first);
        let (mut other, is_first) = fetching.wait("A");
        assert!(!is_first);
        let (mut of_another, is_first) = fetching.wait("B");
        assert!(is_first);
        drop(fetching.answering("A"));
        assert!(matches!(one.try_recv(), Ok(None)));
        assert!(matches!(other.try_recv(), Ok(None)));
        assert!(of_another.try_recv().is_err(), "it is not answered yet");
        assert!(fetching.wait("A").1, "it is fetched anew");
    }

    #[test]
    fn those_who_have_gone_are_not_kept() {
        let fetching = Fetching::default();
        for _ in 0..1000 {
            drop(fetching.wait("A").0);
        }
        assert!(fetching.0.lock()["A"].len() <= 2);
    }
}
