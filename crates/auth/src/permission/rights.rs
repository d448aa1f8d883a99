//! What somebody may do, said in full.

use std::sync::Arc;

use super::{Matcher, Permissions, ResponsePermission, Subscribe};

/// What somebody may do. No absence of anything means "everything": a client that has not been admitted has [`Self::Nothing`].
#[derive(Clone, Debug, Default)]
pub enum Rights {
    /// Nothing: it is yet to be admitted.
    #[default]
    Nothing,
    /// Everything: its user is restricted by nothing.
    Everything,
    /// What these permissions say.
    By(Arc<Matcher>),
}

impl Rights {
    /// Whether messages may be published on `subject`, see [`Matcher::may_publish`].
    #[must_use]
    pub fn may_publish(&self, subject: &[u8]) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::By(matcher) => matcher.may_publish(subject),
        }
    }

    /// Whether a subscription is permitted, see [`Matcher::may_subscribe`].
    #[must_use]
    pub fn may_subscribe(&self, subject: &[u8], queue: Option<&[u8]>) -> Subscribe {
        match self {
            Self::Nothing => Subscribe::Denied,
            Self::Everything => Subscribe::Allowed,
            Self::By(matcher) => matcher.may_subscribe(subject, queue),
        }
    }

    /// What another server may be given of `subject`, see [`Matcher::may_be_given`].
    #[must_use]
    pub fn may_be_given(&self, subject: &[u8]) -> Subscribe {
        match self {
            Self::Nothing => Subscribe::Denied,
            Self::Everything => Subscribe::Allowed,
            Self::By(matcher) => matcher.may_be_given(subject),
        }
    }

    /// The same, but that nothing is published on `subject`, which has no wildcards.
    #[must_use]
    pub fn without_publishing_on(&self, subject: &str) -> Self {
        let mut permissions = match self {
            Self::Nothing => return Self::Nothing,
            Self::Everything => Permissions::default(),
            Self::By(matcher) => matcher.permissions().clone(),
        };
        permissions.publish.deny.push(subject.to_owned());
        // What is no subject would permit nothing.
        match permissions.compile() {
            Ok(matcher) => Self::By(Arc::new(matcher)),
            Err(_) => Self::Nothing,
        }
    }

    /// What requests entitle to.
    #[must_use]
    pub fn response_permission(&self) -> Option<ResponsePermission> {
        match self {
            Self::Nothing | Self::Everything => None,
            Self::By(matcher) => matcher.response_permission(),
        }
    }

    /// The permissions they come from; none where these restrict nothing, or nobody was admitted.
    #[must_use]
    pub fn permissions(&self) -> Option<&Permissions> {
        match self {
            Self::Nothing | Self::Everything => None,
            Self::By(matcher) => Some(matcher.permissions()),
        }
    }
}

/// Two are equal if they permit the same.
impl PartialEq for Rights {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing, Self::Nothing) | (Self::Everything, Self::Everything) => true,
            (Self::By(one), Self::By(other)) => {
                Arc::ptr_eq(one, other) || one.permissions() == other.permissions()
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rights, Subscribe};
    use crate::permission::Permissions;
    use std::sync::Arc;

    #[test]
    fn who_was_not_admitted_may_do_nothing() {
        let nothing = Rights::default();
        assert!(!nothing.may_publish(b"a"));
        assert!(matches!(nothing.may_subscribe(b"a", None), Subscribe::Denied));
        assert!(Rights::Everything.may_publish(b"a"));
        assert!(nothing != Rights::Everything);
        let by = |permissions: Permissions| Rights::By(Arc::new(permissions.compile().unwrap()));
        assert!(by(Permissions::default()) == by(Permissions::default()));
        assert!(
            by(Permissions::default()) != Rights::Everything,
            "what restricts nothing is still a list"
        );
    }
}
