//! Permissions, compiled.

use std::sync::Arc;

use vagus_routing::SubjectFilter;
use vagus_routing::subject::has_wildcards;

use super::rule_set::RuleSet;
use super::{List, PermissionError, Permissions, ResponsePermission};

/// Decides what the holder of some [`Permissions`] may do. Made once for a user and shared by its connections.
///
/// An answer holds as long as the matcher: ask once for a subject and keep it.
#[derive(Debug)]
pub struct Matcher {
    publish: Lists,
    subscribe: Lists,
    permissions: Permissions,
}

#[derive(Debug)]
struct Lists {
    /// None: everything.
    allow: Option<Arc<RuleSet>>,
    deny: Option<Arc<RuleSet>>,
}

/// The answer to a SUB.
#[derive(Clone, Debug)]
pub enum Subscribe {
    /// Permitted, whatever will be delivered.
    Allowed,
    /// Not permitted.
    Denied,
    /// Permitted, but messages on the subjects that the filter denies must not be delivered: the subscription has
    /// wildcards and is wider than something denied.
    AllowedExcept(Filter),
}

/// What must not be delivered to a wildcard subscription.
#[derive(Clone, Debug)]
pub struct Filter {
    /// None: everything is that is not denied.
    allow: Option<Arc<RuleSet>>,
    deny: Option<Arc<RuleSet>>,
    /// The queue group of the subscription.
    queue: Option<Arc<[u8]>>,
}

impl Filter {
    /// Whether a message on `subject` is to be kept from the subscription.
    #[must_use]
    pub fn denies(&self, subject: &[u8]) -> bool {
        let is_denied = |deny: &Arc<RuleSet>| denies(deny, subject, self.queue.as_deref());
        self.deny.as_ref().is_some_and(is_denied)
            || self.allow.as_ref().is_some_and(|allow| !allow.names(subject))
    }
}

impl SubjectFilter for Filter {
    fn denies(&self, subject: &[u8]) -> bool {
        Self::denies(self, subject)
    }
}

fn denies(deny: &RuleSet, subject: &[u8], queue: Option<&[u8]>) -> bool {
    deny.names(subject) || queue.and_then(|queue| deny.names_queue(subject, queue)) == Some(true)
}

impl Permissions {
    /// The matcher of these permissions.
    ///
    /// # Errors
    /// When an entry is not valid.
    pub fn compile(self) -> Result<Matcher, PermissionError> {
        let publish = Lists {
            // Who may answer requests and has no list may answer only.
            allow: compile(
                List::PublishAllow,
                &self.publish.allow,
                self.allow_responses.is_some(),
            )?
            .map(Arc::new),
            deny: compile(List::PublishDeny, &self.publish.deny, false)?.map(Arc::new),
        };
        let subscribe = Lists {
            allow: compile(List::SubscribeAllow, &self.subscribe.allow, false)?.map(Arc::new),
            deny: compile(List::SubscribeDeny, &self.subscribe.deny, false)?.map(Arc::new),
        };
        Ok(Matcher {
            publish,
            subscribe,
            permissions: self,
        })
    }
}

/// The rules of a list; none for an empty one, unless it `always` counts.
fn compile(list: List, entries: &[String], always: bool) -> Result<Option<RuleSet>, PermissionError> {
    if entries.is_empty() && !always {
        return Ok(None);
    }
    let rules: Result<_, _> = entries.iter().map(|entry| list.rule(entry)).collect();
    Ok(Some(RuleSet::new(rules?)))
}

impl Matcher {
    /// Whether messages may be published on `subject`. Where it says no, a
    /// [request delivered before](crate::responses::Responses) may still permit it.
    #[must_use]
    pub fn may_publish(&self, subject: &[u8]) -> bool {
        let Lists { allow, deny } = &self.publish;
        allow.as_ref().is_none_or(|allow| allow.names(subject))
            && !deny.as_ref().is_some_and(|deny| deny.names(subject))
    }

    /// Whether there is a subject that may not be published on.
    #[must_use]
    pub fn restricts_publish(&self) -> bool {
        self.publish.allow.is_some() || self.publish.deny.is_some()
    }

    /// Whether a subscription to `subject`, as a member of `queue` if it names one, is permitted.
    ///
    /// Rules that name a queue are about members of queues only. An allowed subject permits any queue, except that
    /// where rules with a queue allow the subject as well, these alone decide.
    #[must_use]
    pub fn may_subscribe(&self, subject: &[u8], queue: Option<&[u8]>) -> Subscribe {
        let queue = queue.filter(|name| !name.is_empty());
        let Lists { allow, deny } = &self.subscribe;
        let allowed = allow.as_ref().is_none_or(|allow| {
            queue
                .and_then(|queue| allow.names_queue(subject, queue))
                .unwrap_or_else(|| allow.names(subject))
        });
        if !allowed {
            return Subscribe::Denied;
        }
        let Some(deny) = deny else {
            return Subscribe::Allowed;
        };
        if denies(deny, subject, queue) {
            return Subscribe::Denied;
        }
        // What a subscription without wildcards is delivered has just been checked.
        if has_wildcards(subject) && deny.overlaps(subject, queue) {
            return Subscribe::AllowedExcept(Filter {
                allow: None,
                deny: Some(Arc::clone(deny)),
                queue: queue.map(Arc::from),
            });
        }
        Subscribe::Allowed
    }

    /// What another server may be given of `subject`, which it asks for on behalf of others: of a subject with wildcards that
    /// is wider than what is allowed, so much as is.
    #[must_use]
    pub fn may_be_given(&self, subject: &[u8]) -> Subscribe {
        let Lists { allow, deny } = &self.subscribe;
        if !has_wildcards(subject) {
            return self.may_subscribe(subject, None);
        }
        if deny.as_ref().is_some_and(|deny| deny.names(subject)) {
            return Subscribe::Denied;
        }
        let allow = allow.as_ref().filter(|allow| !allow.names(subject));
        if allow.is_some_and(|allow| !allow.overlaps(subject, None)) {
            return Subscribe::Denied;
        }
        let deny = deny.as_ref().filter(|deny| deny.overlaps(subject, None));
        match (allow, deny) {
            (None, None) => Subscribe::Allowed,
            (allow, deny) => Subscribe::AllowedExcept(Filter {
                allow: allow.cloned(),
                deny: deny.cloned(),
                queue: None,
            }),
        }
    }

    /// What requests entitle to.
    #[must_use]
    pub fn response_permission(&self) -> Option<ResponsePermission> {
        self.permissions.allow_responses
    }

    /// What it was made of.
    #[must_use]
    pub fn permissions(&self) -> &Permissions {
        &self.permissions
    }
}
