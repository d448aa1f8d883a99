//! Sending in hope: a server of old says what it does not want only when it has been sent that. Until it has told all that it
//! wants, it is sent everything else.

use super::held::Holding;
use hashbrown::HashSet;
use vagus_auth::permission::{Filter, Permissions, Rules, Subscribe};
use vagus_routing::subject;

/// So many subjects that are not wanted are known of one account. Servers tell all that they want before they come to that.
const UNWANTED_AT_MOST: usize = 1024;

/// What is hoped for in one account.
#[derive(Debug, Default)]
pub(super) struct Hope {
    unwanted: HashSet<Box<[u8]>>,
    /// How long the names of these are together.
    names: usize,
    /// It is not yet in force.
    pub(super) has_changed: bool,
}

impl Hope {
    /// A subject is not wanted. There may be no room to know that: then it is sent for nothing.
    pub(super) fn give_up(&mut self, subject: &[u8]) {
        if self.unwanted.len() < UNWANTED_AT_MOST && subject::is_valid_literal(subject) {
            let is_new = self.unwanted.insert(subject.into());
            self.has_changed |= is_new;
            self.names += if is_new { subject.len() } else { 0 };
        }
    }

    /// A subject, perhaps with wildcards, is wanted after all. What looking for it has cost.
    pub(super) fn regain(&mut self, wanted: &[u8]) -> usize {
        let names = &mut self.names;
        if !subject::has_wildcards(wanted) {
            let was_unwanted = self.unwanted.remove(wanted);
            self.has_changed |= was_unwanted;
            *names -= if was_unwanted { wanted.len() } else { 0 };
            return 1;
        }
        let before = self.unwanted.len();
        self.unwanted.retain(|unwanted| {
            let stays = !subject::matches(wanted, unwanted);
            *names -= if stays { 0 } else { unwanted.len() };
            stays
        });
        self.has_changed |= self.unwanted.len() != before;
        before
    }

    /// What is held of it.
    pub(super) fn holding(&self) -> Holding {
        Holding::Unwanted(self.unwanted.len(), self.names)
    }

    /// How many subjects are not wanted.
    pub(super) fn unwanted(&self) -> usize {
        self.unwanted.len()
    }

    /// What is not to be sent.
    pub(super) fn filter(&mut self) -> Option<Filter> {
        self.has_changed = false;
        let deny = self.unwanted.iter();
        let deny: Vec<String> = deny
            .filter_map(|subject| String::from_utf8(subject.to_vec()).ok())
            .collect();
        let permissions = Permissions {
            subscribe: Rules {
                allow: Vec::new(),
                deny,
            },
            ..Permissions::default()
        };
        match permissions.compile().ok()?.may_subscribe(b">", None) {
            Subscribe::AllowedExcept(filter) => Some(filter),
            Subscribe::Allowed | Subscribe::Denied => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Holding, Hope, UNWANTED_AT_MOST};

    #[test]
    fn what_is_not_wanted_is_left_out() {
        let mut hope = Hope::default();
        assert!(hope.filter().is_none());
        for subject in ["a.b", "a.c", "d", "a.*"] {
            hope.give_up(subject.as_bytes());
        }
        assert_eq!((hope.unwanted(), hope.has_changed), (3, true));
        let filter = hope.filter().unwrap();
        assert!(filter.denies(b"a.b") && !filter.denies(b"a.x") && !hope.has_changed);
        assert_eq!(hope.holding(), Holding::Unwanted(3, 7));
        hope.give_up(b"d");
        hope.regain(b"a.*");
        assert!(hope.has_changed && hope.unwanted() == 1);
        assert_eq!(hope.holding(), Holding::Unwanted(1, 1));
        hope.regain(b"d");
        hope.regain(b"d");
        assert!(hope.filter().is_none());
        assert_eq!(hope.holding(), Holding::Unwanted(0, 0));
    }

    #[test]
    fn it_is_bounded() {
        let mut hope = Hope::default();
        for number in 0..10_000 {
            hope.give_up(format!("s.{number}").as_bytes());
        }
        assert_eq!(hope.unwanted(), UNWANTED_AT_MOST);
    }
}
