//! Which queue groups messages are for: all that are interested, or those that another server has picked.

use vagus_protocol::operation::Groups;

/// The groups of messages that come one behind the other.
#[derive(Debug, Default, Clone)]
pub(super) struct Served {
    are_named: bool,
    /// With blanks between them.
    names: Vec<u8>,
}

impl Served {
    /// These, and no others.
    pub(super) fn set(&mut self, groups: Groups<'_>) {
        self.names.clear();
        self.are_named = match groups {
            Groups::All => false,
            Groups::Only(names) => {
                self.names.extend_from_slice(names);
                true
            }
        };
    }

    /// Whether it is these.
    #[inline]
    pub(super) fn are(&self, groups: Groups<'_>) -> bool {
        match groups {
            Groups::All => !self.are_named,
            Groups::Only(names) => self.are_named && self.names == names,
        }
    }

    /// Whether the group of this name is one of them.
    #[inline]
    pub(super) fn include(&self, name: &[u8]) -> bool {
        !self.are_named || self.name(name)
    }

    fn name(&self, name: &[u8]) -> bool {
        let mut names = self.names.split(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        names.any(|named| named == name)
    }
}

#[cfg(test)]
mod tests {
    use super::Served;
    use vagus_protocol::operation::Groups;

    #[test]
    fn groups_are_named_or_all() {
        let mut served = Served::default();
        assert!(served.include(b"q") && served.are(Groups::All) && !served.are(Groups::Only(b"")));
        for (names, q, p) in [
            ("", false, false),
            ("q", true, false),
            ("pq q", true, false),
            ("q  p", true, true),
        ] {
            let groups = Groups::Only(names.as_bytes());
            served.set(groups);
            assert!(served.are(groups) && !served.are(Groups::All) && !served.are(Groups::Only(b"other")));
            assert_eq!((served.include(b"q"), served.include(b"p")), (q, p), "{names}");
        }
        served.set(Groups::All);
        assert!(served.include(b"q") && served.are(Groups::All));
    }
}
