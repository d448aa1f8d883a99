//! What is sent on a link, and taken from it.
//!
//! What a leaf node may do is what its user may, as the hub knows it and has told it. Both ends keep to that: a hub closes a
//! link on which something comes that may not, a leaf node passes over it.

use vagus_auth::permission::{Filter, Permissions, Rights, Rules, Subscribe};
use vagus_protocol::leaf::is_between_servers;
use vagus_protocol::route::SubjectRules;

/// Subjects of streams, which each server has its own of: those of others are reached by the name of their domain.
const OF_STREAMS: [&str; 3] = ["$JS.API.>", "$KV.>", "$OBJ.>"];

/// What begins subjects that come back whoever asked: answers of services, and acknowledgements.
const ANSWERS: [&[u8]; 2] = [b"_R_.", b"$JS.ACK."];

/// What one end of a link permits the other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LinkPermissions {
    /// What this server asks for, as what is published, and gives, as what is subscribed to.
    rights: Rights,
    /// What it takes, where that is more than it asks for.
    taken: Rights,
}

impl Default for LinkPermissions {
    /// Everything.
    fn default() -> Self {
        Self {
            rights: Rights::Everything,
            taken: Rights::Everything,
        }
    }
}

/// What the other end is not to have, beside what permissions say.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Denied {
    /// It is not asked for these.
    pub(super) imports: Vec<String>,
    /// It is not given these.
    pub(super) exports: Vec<String>,
}

impl Denied {
    /// Whoever has streams of its own, in this domain, is to be asked for them by nobody who means others; by its domain's name
    /// it is.
    pub(super) fn of_streams(own_domain: &str, differs: bool) -> Self {
        let of_streams: Vec<String> = OF_STREAMS.iter().map(|subject| (*subject).to_owned()).collect();
        let mut exports = of_streams.clone();
        if differs && !own_domain.is_empty() {
            exports.push(format!("$JS.{own_domain}.API.>"));
        }
        Self {
            imports: of_streams,
            exports,
        }
    }

    pub(super) fn and(mut self, imports: &[String], exports: &[String]) -> Self {
        self.imports.extend_from_slice(imports);
        self.exports.extend_from_slice(exports);
        self
    }
}

fn compiled(permissions: Permissions) -> Rights {
    match permissions.compile() {
        Ok(matcher) => Rights::By(matcher.into()),
        // What is no subject permits nothing.
        Err(_) => Rights::Nothing,
    }
}

impl LinkPermissions {
    /// Of a hub, for a leaf node that may do so much.
    pub(super) fn of_hub(user: &Rights, denied: &Denied) -> Self {
        let own = user.permissions().cloned().unwrap_or_default();
        let taken = match user.permissions() {
            Some(permissions) => compiled(Permissions {
                publish: permissions.publish.clone(),
                ..Permissions::default()
            }),
            None => Rights::Everything,
        };
        Self {
            rights: with(own.publish, own.subscribe, denied),
            taken,
        }
    }

    /// Of a leaf node, by what its hub has told it that it may have and send.
    pub(super) fn of_leaf(
        import: Option<&SubjectRules>,
        export: Option<&SubjectRules>,
        denied: &Denied,
    ) -> Self {
        let rules = |rules: Option<&SubjectRules>| {
            rules.map_or_else(Rules::default, |rules| Rules {
                allow: rules.allow.clone(),
                deny: rules.deny.clone(),
            })
        };
        let rights = with(rules(import), rules(export), denied);
        Self {
            taken: rights.clone(),
            rights,
        }
    }

    /// What a leaf node is told of what it may have and send; nothing of everything.
    pub(super) fn told(user: &Rights) -> (Option<Box<SubjectRules>>, Option<Box<SubjectRules>>) {
        let told = |rules: &Rules| {
            Some(Box::new(SubjectRules {
                allow: rules.allow.clone(),
                deny: rules.deny.clone(),
            }))
        };
        match user.permissions() {
            Some(permissions) => (told(&permissions.subscribe), told(&permissions.publish)),
            None => (None, None),
        }
    }

    /// Whether the other end is asked for a subject, which may have wildcards.
    pub(super) fn asks_for(&self, subject: &[u8]) -> bool {
        is_between_servers(subject) || self.rights.may_publish(subject)
    }

    /// Whether a message of the other end is taken.
    pub(super) fn takes(&self, subject: &[u8]) -> bool {
        self.taken.may_publish(subject)
            || is_between_servers(subject)
            || ANSWERS.iter().any(|prefix| subject.starts_with(prefix))
    }

    /// What the other end is given of a subject that it asks for; None for nothing.
    pub(super) fn gives(&self, subject: &[u8]) -> Option<Option<Filter>> {
        if is_between_servers(subject) {
            return Some(None);
        }
        match self.rights.may_be_given(subject) {
            Subscribe::Allowed => Some(None),
            Subscribe::AllowedExcept(filter) => Some(Some(filter)),
            Subscribe::Denied => None,
        }
    }
}

fn with(mut asked: Rules, mut given: Rules, denied: &Denied) -> Rights {
    asked.deny.extend_from_slice(&denied.imports);
    given.deny.extend_from_slice(&denied.exports);
    compiled(Permissions {
        publish: asked,
        subscribe: given,
        allow_responses: None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Denied, LinkPermissions};
    use vagus_auth::permission::{Permissions, Rights, Rules};
    use vagus_protocol::route::SubjectRules;

    fn user(publish: &[&str], subscribe: &[&str]) -> Rights {
        let rules = |allow: &[&str]| Rules {
            allow: allow.iter().map(|&subject| subject.to_owned()).collect(),
            deny: Vec::new(),
        };
        let permissions = Permissions {
            publish: rules(publish),
            subscribe: rules(subscribe),
            allow_responses: None,
        };
        Rights::By(permissions.compile().unwrap().into())
    }

    /// What is asked for, taken and given, of some subjects.
    fn shown(permissions: &LinkPermissions) -> String {
        let subjects = [
            "up",
            "down",
            "$JS.API.INFO",
            "$JS.hub.API.INFO",
            "$LDS.x",
            "_R_.x",
        ];
        let of = |is_it: &dyn Fn(&[u8]) -> bool| -> String {
            let subjects = subjects.iter().filter(|subject| is_it(subject.as_bytes()));
            subjects.copied().collect::<Vec<_>>().join(" ")
        };
        format!(
            "asks {} | takes {} | gives {}",
            of(&|subject| permissions.asks_for(subject)),
            of(&|subject| permissions.takes(subject)),
            of(&|subject| permissions.gives(subject).is_some()),
        )
    }

    #[test]
    fn both_ends_keep_to_what_the_user_may() {
        let user = user(&["up"], &["down", "$JS.>"]);
        let hub = LinkPermissions::of_hub(&user, &Denied::default());
        assert_eq!(
            shown(&hub),
            "asks up $LDS.x | takes up $LDS.x _R_.x | gives down $JS.API.INFO $JS.hub.API.INFO $LDS.x"
        );
        let (import, export) = LinkPermissions::told(&user);
        let leaf = LinkPermissions::of_leaf(import.as_deref(), export.as_deref(), &Denied::default());
        assert_eq!(
            shown(&leaf),
            "asks down $JS.API.INFO $JS.hub.API.INFO $LDS.x | takes down $JS.API.INFO $JS.hub.API.INFO $LDS.x _R_.x | gives up $LDS.x"
        );
    }

    #[test]
    fn streams_of_others_are_reached_by_their_domain() {
        let hub = LinkPermissions::of_hub(&Rights::Everything, &Denied::of_streams("hub", true));
        assert_eq!(
            shown(&hub),
            "asks up down $JS.hub.API.INFO $LDS.x _R_.x | takes up down $JS.API.INFO $JS.hub.API.INFO $LDS.x _R_.x | gives up down $LDS.x _R_.x"
        );
    }

    #[test]
    fn a_remote_denies_both_ways() {
        let denied = Denied::default().and(&["down".into()], &["up".into()]);
        let all = SubjectRules::default();
        let leaf = LinkPermissions::of_leaf(Some(&all), None, &denied);
        assert_eq!(
            shown(&leaf),
            "asks up $JS.API.INFO $JS.hub.API.INFO $LDS.x _R_.x | takes up $JS.API.INFO $JS.hub.API.INFO $LDS.x _R_.x | gives down $JS.API.INFO $JS.hub.API.INFO $LDS.x _R_.x"
        );
    }
}
