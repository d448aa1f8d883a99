//! Subjects in the template of a signing key that say something of the user: `chat.{{name()}}.>`.

use std::borrow::Cow;

use thiserror::Error;
use vagus_routing::subject;

use crate::claims::Claims;
use crate::lists::Tags;
use crate::user::{User, UserLimits};

/// How many subjects the tags of one list of permissions may multiply to, as in nats-server.
pub const MAX_EXPANSIONS: usize = 4096;

/// What a template may say of the account.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// What people call it.
    pub name: &'a str,
    /// Words by which it is found.
    pub tags: &'a Tags,
}

/// Why a template makes no permissions of a user.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// There is no such function.
    #[error("template operation in {entry:?}: {operation:?} is not defined")]
    Unknown {
        /// The entry of the template.
        entry: String,
        /// What it asks for.
        operation: String,
    },
    /// An entry that denies something comes to no subject: the user would be allowed more than is meant.
    #[error("generated invalid subject")]
    Invalid,
    /// There would be too many.
    #[error("template expansion exceeds limit: {MAX_EXPANSIONS}")]
    TooMany,
}

impl UserLimits {
    /// What a user of this template may do, with what it says of itself.
    ///
    /// # Errors
    /// When the template does not fit the user.
    pub fn filled_in(&self, user: &Claims<User>, account: Account<'_>) -> Result<Self, TemplateError> {
        let mut limits = self.clone();
        let filler = Filler { user, account };
        let permissions = &mut limits.permissions;
        for permission in [&mut permissions.subscribe, &mut permissions.publish] {
            let allowed_some = !permission.allow.is_empty();
            permission.allow = filler.fill_in(&permission.allow, WhenInvalid::LeaveOut)?;
            permission.deny = filler.fill_in(&permission.deny, WhenInvalid::Fail)?;
            // A list that became empty would allow everything.
            if allowed_some && permission.allow.is_empty() {
                permission.deny.push(">".to_owned());
            }
        }
        Ok(limits)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum WhenInvalid {
    LeaveOut,
    Fail,
}

struct Filler<'a> {
    user: &'a Claims<User>,
    account: Account<'a>,
}

impl Filler<'_> {
    fn fill_in(&self, list: &[String], when_invalid: WhenInvalid) -> Result<Vec<String>, TemplateError> {
        let mut filled = Vec::with_capacity(list.len());
        for entry in list {
            let parts = parts(entry);
            if parts.len() == 1 && matches!(parts[0], Part::Text(_)) {
                filled.push(entry.clone());
                continue;
            }
            let mut subjects = vec![String::new()];
            for part in parts {
                let values: Vec<Cow<'_, str>> = match part {
                    Part::Text(text) => vec![text.into()],
                    Part::Operation(operation) => self.values(operation, entry)?,
                };
                if values.is_empty() && when_invalid == WhenInvalid::Fail {
                    return Err(TemplateError::Invalid);
                }
                if subjects.len().saturating_mul(values.len()) > MAX_EXPANSIONS {
                    return Err(TemplateError::TooMany);
                }
                subjects = subjects
                    .iter()
                    .flat_map(|start| values.iter().map(move |value| [start, &**value].concat()))
                    .collect();
            }
            if filled.len() + subjects.len() > MAX_EXPANSIONS.max(list.len()) {
                return Err(TemplateError::TooMany);
            }
            for subject in subjects {
                if subject::is_valid_subscription(subject.as_bytes()) {
                    filled.push(subject);
                } else if when_invalid == WhenInvalid::Fail {
                    return Err(TemplateError::Invalid);
                }
            }
        }
        Ok(filled)
    }

    fn values(&self, operation: &str, entry: &str) -> Result<Vec<Cow<'_, str>>, TemplateError> {
        let is = |name: &str| operation.eq_ignore_ascii_case(name);
        if is("name()") {
            return Ok(vec![self.user.name.as_str().into()]);
        }
        if is("subject()") {
            return Ok(vec![self.user.subject.as_str().into()]);
        }
        if is("account-name()") {
            return Ok(vec![self.account.name.into()]);
        }
        if is("account-subject()") {
            return Ok(vec![self.user.nats.issuer_account.as_str().into()]);
        }
        let tagged = |function: &str| {
            let (name, rest) = operation.split_at_checked(function.len())?;
            let tag = rest.strip_suffix(')')?;
            name.eq_ignore_ascii_case(function).then_some(tag)
        };
        let (tags, tag) = if let Some(tag) = tagged("tag(") {
            (&self.user.nats.tags, tag)
        } else if let Some(tag) = tagged("account-tag(") {
            (self.account.tags, tag)
        } else {
            return Err(TemplateError::Unknown {
                entry: entry.to_owned(),
                operation: operation.to_owned(),
            });
        };
        let prefix = format!("{}:", tag.to_lowercase());
        let values = tags.iter().filter_map(|tag| tag.strip_prefix(&*prefix));
        Ok(values.map(Cow::from).collect())
    }
}

enum Part<'a> {
    Text(&'a str),
    /// What stands between double braces.
    Operation(&'a str),
}

fn parts(entry: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = entry;
    while let Some(start) = rest.find("{{")
        && let Some(length) = rest.get(start + 2..).and_then(|behind| behind.find("}}"))
    {
        let (before, from) = rest.split_at(start);
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        let operation = from.get(2..2 + length).unwrap_or_default();
        parts.push(Part::Operation(operation.trim()));
        rest = from.get(length + 4..).unwrap_or_default();
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::{Account, MAX_EXPANSIONS, TemplateError};
    use crate::claims::Claims;
    use crate::permissions::{Permission, Permissions};
    use crate::user::{User, UserLimits};

    fn user(name: &str, tags: &[&str]) -> Claims<User> {
        let mut user = Claims::<User>::about("UABC");
        user.name = name.to_owned();
        user.nats.tags = tags.iter().map(ToString::to_string).collect();
        user.nats.issuer_account = "AABC".to_owned();
        user
    }

    fn filled(user: &Claims<User>, allow: &[&str], deny: &[&str]) -> Result<Permission, TemplateError> {
        let list = |entries: &[&str]| entries.iter().map(ToString::to_string).collect();
        let template = UserLimits {
            permissions: Permissions {
                publish: Permission {
                    allow: list(allow),
                    deny: list(deny),
                },
                ..Permissions::default()
            },
            ..UserLimits::default()
        };
        let account = Account {
            name: "acme",
            tags: &vec!["region:eu".to_owned()],
        };
        Ok(template.filled_in(user, account)?.permissions.publish)
    }

    #[test]
    fn what_is_said_of_the_user_is_filled_in() {
        let user = user("joe", &["dept:sales", "dept:dev", "team:x"]);
        let entries = [
            "a.{{name()}}.>",
            "{{ Subject() }}",
            "{{account-name()}}.{{account-subject()}}",
            "{{tag(Dept)}}.{{tag(team)}}.{{account-tag(region)}}",
            "plain",
            "open.{{name()",
        ];
        assert_eq!(
            filled(&user, &entries, &[]).unwrap().allow,
            [
                "a.joe.>",
                "UABC",
                "acme.AABC",
                "sales.x.eu",
                "dev.x.eu",
                "plain",
                "open.{{name()"
            ]
        );
    }

    #[test]
    fn nobody_gets_more_by_what_is_missing() {
        let user = user("joe", &[]);
        let none = filled(&user, &["{{tag(dept)}}.>"], &[]).unwrap();
        assert_eq!((none.allow.len(), &*none.deny), (0, &[">".to_owned()][..]));
        assert_eq!(
            filled(&user, &[], &["{{tag(dept)}}.>"]),
            Err(TemplateError::Invalid)
        );
        let dotted = self::user("joe smith", &[]);
        assert_eq!(filled(&dotted, &["a.{{name()}}"], &[]).unwrap().deny, [">"]);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let error = filled(&user("joe", &[]), &["{{nobody()}}"], &[]).unwrap_err();
        assert!(matches!(error, TemplateError::Unknown { .. }), "{error}");
    }

    #[test]
    fn tags_do_not_multiply_without_bound() {
        let tags: Vec<String> = (0..65).map(|number| format!("a:{number}")).collect();
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        let user = user("joe", &tags);
        assert_eq!(
            filled(&user, &["{{tag(a)}}.{{tag(a)}}"], &[]),
            Err(TemplateError::TooMany)
        );
        let twice = filled(&user, &["x.{{tag(a)}}", "y.{{tag(a)}}"], &[]).unwrap();
        assert_eq!(twice.allow.len(), 130);
        assert!(twice.allow.len() < MAX_EXPANSIONS);
    }
}
