//! What a user may publish and subscribe to.

use super::findings::Findings;
use crate::grammar::{Entry, Kind, Map, Place, Value};
use vagus_auth::permission::{PermissionError, Permissions, ResponsePermission, Rules};
use vagus_protocol::duration;

/// Which way the subjects of a list go.
#[derive(Clone, Copy)]
enum Direction {
    Publish,
    Subscribe,
}

impl Direction {
    /// Whether `subject` may be in a list of this direction. Whether it allows or denies does not matter.
    fn check(self, subject: &str) -> Result<(), PermissionError> {
        let rules = Rules {
            allow: vec![subject.to_owned()],
            deny: Vec::new(),
        };
        let permissions = match self {
            Self::Publish => Permissions {
                publish: rules,
                ..Permissions::default()
            },
            Self::Subscribe => Permissions {
                subscribe: rules,
                ..Permissions::default()
            },
        };
        permissions.compile().map(drop)
    }
}

impl Findings {
    /// The permissions of a user, or those of users that have none of their own.
    pub(super) fn permissions(&mut self, entry: &Entry) -> Option<Permissions> {
        let map = self.map(entry)?;
        let mut permissions = Permissions::default();
        for entry in map.entries() {
            match entry.key.to_lowercase().as_str() {
                "pub" | "publish" | "import" => permissions.publish = rules(entry, Direction::Publish, self),
                "sub" | "subscribe" | "export" => {
                    permissions.subscribe = rules(entry, Direction::Subscribe, self);
                }
                "subscriber" => {
                    self.note(Some(entry), "nats-server knows subscriber only as subscribe");
                    permissions.subscribe = rules(entry, Direction::Subscribe, self);
                }
                "allow_responses" | "publish_allow_responses" => {
                    permissions.allow_responses = responses(entry, self);
                }
                _ => unknown(entry, "permissions", self),
            }
        }
        Some(permissions)
    }
}

/// The subjects of a list that denies.
pub(super) fn denied(entry: &Entry, findings: &mut Findings) -> Vec<String> {
    subjects(entry, Direction::Publish, true, findings)
}

fn unknown(entry: &Entry, of: &str, findings: &mut Findings) {
    if !entry.used {
        findings.problem(entry, format!("{of}: there is no field {:?}", entry.key));
    }
}

/// One subject, several, or a map of what is allowed and what is denied.
fn rules(entry: &Entry, direction: Direction, findings: &mut Findings) -> Rules {
    let Kind::Map(map) = &entry.value.kind else {
        return Rules {
            allow: subjects(entry, direction, false, findings),
            deny: Vec::new(),
        };
    };
    let mut rules = Rules::default();
    for entry in map.entries() {
        match entry.key.to_lowercase().as_str() {
            "allow" => rules.allow = subjects(entry, direction, true, findings),
            "deny" => rules.deny = subjects(entry, direction, true, findings),
            _ => unknown(entry, "only allow and deny are known here", findings),
        }
    }
    rules
}

/// One subject or several. nats-server names the place of a mistake only in the lists `allow` and `deny`.
fn subjects(entry: &Entry, direction: Direction, is_placed: bool, findings: &mut Findings) -> Vec<String> {
    let mut refuse = |place: &Place, is_placed: bool, message: String| {
        if is_placed {
            findings.problem_at(place, message);
        } else {
            findings.unplaced_problem(place, message);
        }
    };
    let values: &[Value] = match &entry.value.kind {
        Kind::Array(values) => values,
        Kind::Text(_) => std::slice::from_ref(&entry.value),
        other => {
            let message = format!(
                "{} must be a subject or an array of subjects, not {}",
                entry.key,
                other.name()
            );
            refuse(&entry.place, is_placed, message);
            return Vec::new();
        }
    };
    let mut subjects = Vec::with_capacity(values.len());
    for value in values {
        let Kind::Text(subject) = &value.kind else {
            let message = format!("{}: a subject must be text, not {}", entry.key, value.kind.name());
            refuse(&value.place, true, message);
            continue;
        };
        match direction.check(subject) {
            Ok(()) => subjects.push(subject.clone()),
            Err(PermissionError::Subject { text, .. }) => refuse(
                &entry.place,
                is_placed,
                format!("{}: {text:?} is not a valid subject", entry.key),
            ),
            Err(PermissionError::Queue { text, .. }) => refuse(
                &entry.place,
                is_placed,
                format!("{}: {text:?} is not a valid queue group", entry.key),
            ),
        }
    }
    subjects
}

fn responses(entry: &Entry, findings: &mut Findings) -> Option<ResponsePermission> {
    match &entry.value.kind {
        Kind::Boolean(set) => set.then(ResponsePermission::default),
        Kind::Map(map) => Some(bounds(map, findings)),
        other => {
            let message = format!("{} must be true, false or a map, not {}", entry.key, other.name());
            findings.refuse(entry, message)
        }
    }
}

fn bounds(map: &Map, findings: &mut Findings) -> ResponsePermission {
    let (mut max, mut expires) = (0, 0);
    for entry in map.entries() {
        match entry.key.to_lowercase().as_str() {
            "max" | "max_msgs" | "max_messages" | "max_responses" => {
                max = findings.integer(entry).unwrap_or_default();
            }
            "expires" | "expiration" | "ttl" => {
                let nanoseconds = match &entry.value.kind {
                    Kind::Text(text) => duration::parse(text),
                    _ => None,
                };
                match nanoseconds {
                    Some(nanoseconds) => expires = nanoseconds,
                    None => {
                        findings.problem(entry, format!("{} must be a duration such as \"2m\"", entry.key))
                    }
                }
            }
            _ => unknown(entry, "bounds of responses", findings),
        }
    }
    ResponsePermission::from_config(max, expires)
}
