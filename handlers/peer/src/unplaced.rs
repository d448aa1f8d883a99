//! What another server wants in accounts that there are not here: it says so once, so it is kept until there are.

use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// What may be kept for one server, in bytes.
const KEPT_AT_MOST: usize = 32 * 1024 * 1024;

/// What keeping one takes beside its text, and what an account does for its first.
const OVERHEAD: usize = 64;
const ACCOUNT: usize = 320;

/// Interest by account, each as it is named within its account, with the number of members of a queue group.
#[derive(Debug, Default)]
pub(crate) struct Unplaced {
    accounts: HashMap<Box<[u8]>, Kept, RandomState>,
    /// So much is kept.
    bytes: usize,
    /// There was no room for something.
    is_incomplete: bool,
}

type Kept = HashMap<Box<[u8]>, u32, RandomState>;

impl Unplaced {
    /// Whether there is something of this account: then whatever comes of it belongs here as well.
    pub(crate) fn has(&self, account: &[u8]) -> bool {
        !self.accounts.is_empty() && self.accounts.contains_key(account)
    }

    /// Whether something had to be left out.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.is_incomplete
    }

    /// It is wanted. Whether it was not before, and there is room to know it.
    pub(crate) fn note(&mut self, account: &[u8], name: &[u8], weight: u32) -> bool {
        let of_account = if self.has(account) { 0 } else { ACCOUNT };
        let takes = of_account + size_of_one(account, name);
        if self.bytes + takes > KEPT_AT_MOST {
            self.is_incomplete = true;
            return false;
        }
        let kept = self.accounts.entry(account.into()).or_default();
        let is_new = kept.insert(name.into(), weight).is_none();
        if is_new {
            self.bytes += takes;
        }
        is_new
    }

    /// It is wanted no more. Whether it was.
    pub(crate) fn forget(&mut self, account: &[u8], name: &[u8]) -> bool {
        let Some(kept) = self.accounts.get_mut(account) else {
            return false;
        };
        let was_wanted = kept.remove(name).is_some();
        if was_wanted {
            self.bytes -= size_of_one(account, name);
        }
        if kept.is_empty() {
            self.accounts.remove(account);
            self.bytes -= ACCOUNT;
        }
        was_wanted
    }

    /// Nothing is wanted in an account any more.
    pub(crate) fn forget_account(&mut self, account: &[u8]) {
        if let Some(kept) = self.accounts.remove(account) {
            self.bytes -= ACCOUNT + kept.keys().map(|name| size_of_one(account, name)).sum::<usize>();
        }
    }

    /// One of those that are wanted in an account, in no order; it is kept no longer.
    pub(crate) fn take_one(&mut self, account: &[u8]) -> Option<(Box<[u8]>, u32)> {
        let kept = self.accounts.get(account)?;
        let (name, weight) = kept.iter().next().map(|(name, weight)| (name.clone(), *weight))?;
        self.forget(account, &name);
        Some((name, weight))
    }
}

fn size_of_one(account: &[u8], name: &[u8]) -> usize {
    account.len() + name.len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::{KEPT_AT_MOST, Unplaced};

    #[test]
    fn what_is_wanted_is_kept_until_it_is_taken() {
        let mut unplaced = Unplaced::default();
        assert!(!unplaced.has(b"A") && unplaced.take_one(b"A").is_none());
        unplaced.note(b"A", b"a q", 2);
        unplaced.note(b"A", b"a q", 3);
        unplaced.note(b"A", b"b", 1);
        unplaced.note(b"B", b"c", 1);
        unplaced.forget(b"A", b"b");
        unplaced.forget(b"B", b"x");
        assert!(unplaced.has(b"A") && unplaced.has(b"B"));
        assert_eq!(unplaced.take_one(b"A"), Some((b"a q"[..].into(), 3)));
        assert!(!unplaced.has(b"A") && unplaced.take_one(b"A").is_none());
        unplaced.forget(b"B", b"c");
        assert!(!unplaced.has(b"B") && unplaced.bytes == 0 && !unplaced.is_incomplete());
        unplaced.note(b"A", b"a", 1);
        unplaced.note(b"A", b"b q", 1);
        unplaced.note(b"B", b"c", 1);
        unplaced.forget_account(b"A");
        unplaced.forget_account(b"X");
        assert!(!unplaced.has(b"A") && unplaced.has(b"B"));
        unplaced.forget_account(b"B");
        assert_eq!(unplaced.bytes, 0);
    }

    #[test]
    fn many_accounts_cost_what_they_take() {
        let mut unplaced = Unplaced::default();
        for number in 0..200_000 {
            unplaced.note(format!("NOBODY{number}").as_bytes(), b"a", 1);
        }
        assert!(unplaced.is_incomplete() && unplaced.accounts.len() < 100_000);
        for number in 0..200_000 {
            unplaced.forget(format!("NOBODY{number}").as_bytes(), b"a");
        }
        assert_eq!(unplaced.bytes, 0);
    }

    #[test]
    fn it_is_bounded() {
        let mut unplaced = Unplaced::default();
        let long = "x".repeat(1000);
        for number in 0..40_000 {
            unplaced.note(b"A", format!("{long}{number}").as_bytes(), 1);
            assert!(unplaced.bytes <= KEPT_AT_MOST);
        }
        assert!(unplaced.is_incomplete());
    }
}
