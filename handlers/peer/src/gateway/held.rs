//! How much of what a server of another cluster says is held here, and how much may be.

/// What an interest takes beside its name, as measured: a queue group has members, and an actor.
const SUBJECT: usize = 192;
const GROUP: usize = 2304;

/// What an account that was spoken of takes beside its name, and a subject that is not wanted in one: its name is in three places.
const ACCOUNT: usize = 320;
const UNWANTED: usize = 256;

/// How much may be held for what is said on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AtMost {
    /// Subjects and queue groups that are wanted.
    pub(super) interest: usize,
    /// Accounts that are spoken of.
    pub(super) accounts: usize,
    /// The memory that all of it takes, in bytes.
    pub(super) bytes: usize,
}

impl Default for AtMost {
    fn default() -> Self {
        Self {
            interest: 2 * 1024 * 1024,
            accounts: 128 * 1024,
            bytes: 512 * 1024 * 1024,
        }
    }
}

/// What a server has said cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMuch;

/// How much is held.
#[derive(Debug, Default)]
pub(super) struct Held {
    at_most: AtMost,
    interest: usize,
    accounts: usize,
    bytes: usize,
}

/// What is held, by the length of its name in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holding {
    /// A subject that is wanted.
    Subject(usize),
    /// The messages of a queue group: the name is that of the subject and of the group.
    Group(usize),
    /// An account that was spoken of.
    Account(usize),
    /// Subjects that are not to be sent though all others are: so many, with names of so much together.
    Unwanted(usize, usize),
}

impl Holding {
    /// What it takes. The index and the subscription have a copy of the name each, and so have the actor of a group and who knows it.
    fn bytes(self) -> usize {
        match self {
            Self::Subject(name) => SUBJECT + 2 * name,
            Self::Group(name) => GROUP + 4 * name,
            Self::Account(name) => ACCOUNT + name,
            Self::Unwanted(count, names) => count * UNWANTED + 3 * names,
        }
    }
}

impl Held {
    pub(super) fn new(at_most: AtMost) -> Self {
        Self {
            at_most,
            ..Self::default()
        }
    }

    /// In bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn count(&mut self, holding: Holding) -> Option<&mut usize> {
        match holding {
            Holding::Subject(_) | Holding::Group(_) => Some(&mut self.interest),
            Holding::Account(_) => Some(&mut self.accounts),
            Holding::Unwanted(..) => None,
        }
    }

    /// It is held from now on; it counts also where that is too much.
    pub(super) fn add(&mut self, holding: Holding) -> Result<(), TooMuch> {
        self.bytes = self.bytes.saturating_add(holding.bytes());
        if let Some(count) = self.count(holding) {
            *count += 1;
        }
        let AtMost {
            interest,
            accounts,
            bytes,
        } = self.at_most;
        match self.interest > interest || self.accounts > accounts || self.bytes > bytes {
            true => Err(TooMuch),
            false => Ok(()),
        }
    }

    /// It is held no longer.
    pub(super) fn release(&mut self, holding: Holding) {
        self.bytes = self.bytes.saturating_sub(holding.bytes());
        if let Some(count) = self.count(holding) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AtMost, Held, Holding, TooMuch};

    const AT_MOST: AtMost = AtMost {
        interest: 4,
        accounts: 2,
        bytes: 100_000,
    };

    /// How often it may be held.
    fn room(holding: Holding) -> usize {
        let mut held = Held::new(AT_MOST);
        (0..1000).take_while(|_| held.add(holding).is_ok()).count()
    }

    #[test]
    fn there_is_room_for_so_many_and_so_much() {
        for (holding, expected) in [
            (Holding::Subject(1), 4),
            (Holding::Group(1), 4),
            (Holding::Account(1), 2),
            (Holding::Subject(20_000), 2),
            (Holding::Group(20_000), 1),
            (Holding::Account(60_000), 1),
            (Holding::Unwanted(1, 10_000), 3),
            (Holding::Unwanted(100, 0), 3),
        ] {
            assert_eq!(room(holding), expected, "{holding:?}");
        }
    }

    #[test]
    fn what_is_given_back_makes_room() {
        let mut held = Held::new(AT_MOST);
        for round in 0..100 {
            let all = [
                Holding::Subject(round),
                Holding::Group(round),
                Holding::Account(round),
                Holding::Unwanted(3, round),
            ];
            for holding in all {
                assert_eq!(held.add(holding), Ok(()));
            }
            assert!(held.bytes() > 4 * round);
            all.into_iter().for_each(|holding| held.release(holding));
            assert_eq!(held.bytes(), 0);
        }
        assert_eq!(held.add(Holding::Subject(50_000)), Err(TooMuch));
        held.release(Holding::Subject(50_000));
        assert_eq!(held.add(Holding::Subject(1)), Ok(()));
    }
}
