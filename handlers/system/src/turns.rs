//! Whose request comes next, of accounts that ask about themselves.

use std::collections::{HashMap, VecDeque};

/// How many requests about one account wait.
const OF_ONE: usize = 8;

/// How many wait in all.
const OF_ALL: usize = 1_024;

/// Requests by the account that they are about. Accounts take turns: one that asks a great deal keeps nobody waiting but
/// itself.
#[derive(Debug)]
pub(crate) struct Turns<R> {
    waiting: HashMap<Box<str>, VecDeque<R>>,
    /// Accounts about which there is a request, the next first.
    order: VecDeque<Box<str>>,
    count: usize,
}

impl<R> Default for Turns<R> {
    fn default() -> Self {
        Self {
            waiting: HashMap::new(),
            order: VecDeque::new(),
            count: 0,
        }
    }
}

impl<R> Turns<R> {
    /// Adds a request about an account; false if there is no room for it, and it is not answered.
    pub(crate) fn add(&mut self, account: &str, request: R) -> bool {
        if self.count >= OF_ALL {
            return false;
        }
        match self.waiting.get_mut(account) {
            Some(waiting) if waiting.len() >= OF_ONE => return false,
            Some(waiting) => waiting.push_back(request),
            None => {
                self.waiting.insert(account.into(), VecDeque::from([request]));
                self.order.push_back(account.into());
            }
        }
        self.count += 1;
        true
    }

    /// The request whose turn it is.
    pub(crate) fn next(&mut self) -> Option<R> {
        let account = self.order.pop_front()?;
        let waiting = self.waiting.get_mut(&account)?;
        let request = waiting.pop_front()?;
        self.count -= 1;
        if waiting.is_empty() {
            self.waiting.remove(&account);
        } else {
            self.order.push_back(account);
        }
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::{OF_ALL, OF_ONE, Turns};

    #[test]
    fn accounts_take_turns() {
        let mut turns = Turns::default();
        let added: Vec<bool> = (0..OF_ONE + 2)
            .map(|number| turns.add("A", ("A", number)))
            .collect();
        assert_eq!(added.iter().filter(|added| **added).count(), OF_ONE);
        assert!(turns.add("B", ("B", 0)));
        assert!(turns.add("C", ("C", 0)));
        let order: Vec<_> = (0..5).filter_map(|_| turns.next()).collect();
        assert_eq!(order, [("A", 0), ("B", 0), ("C", 0), ("A", 1), ("A", 2)]);
        // Where some were answered there is room again.
        assert!(turns.add("A", ("A", 9)));
        let mut rest = 0;
        while turns.next().is_some() {
            rest += 1;
        }
        assert_eq!((rest, turns.count, turns.waiting.len()), (OF_ONE - 2, 0, 0));
    }

    #[test]
    fn so_many_wait_and_no_more() {
        let mut turns = Turns::default();
        let added = (0..OF_ALL + 10)
            .filter(|number| turns.add(&format!("A{number}"), ()))
            .count();
        assert_eq!(added, OF_ALL);
        turns.next();
        assert!(turns.add("B", ()));
    }
}
