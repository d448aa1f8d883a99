//! Who may connect, taken apart into what has a key of its own.

use super::shown::Shown;
use std::collections::BTreeMap;
use vagus_auth::credentials::{Credentials, Proof, User};
use vagus_auth::permission::Permissions;

/// Each part alone; what there is not is empty.
#[derive(Default)]
pub(super) struct Parts<'c> {
    pub(super) token: Option<&'c str>,
    pub(super) user: Option<&'c str>,
    pub(super) password: Option<&'c str>,
    /// Those of several users that have a name, and those that have a key.
    pub(super) named: Users<'c>,
    pub(super) keyed: Users<'c>,
    pub(super) no_auth_user: Option<&'c str>,
    pub(super) default_permissions: Option<&'c Permissions>,
}

/// By name or key: their order means nothing.
pub(super) type Users<'c> = BTreeMap<&'c str, &'c User>;

impl<'c> Parts<'c> {
    pub(super) fn of(credentials: &'c Credentials) -> Self {
        let mut parts = Self::default();
        match credentials {
            Credentials::Open | Credentials::Claims => {}
            Credentials::Token(token) => parts.token = Some(token),
            Credentials::User { name, password } => {
                parts.user = Some(name);
                parts.password = Some(password);
            }
            Credentials::Users {
                users,
                no_auth_user,
                default_permissions,
            } => {
                for user in users.iter() {
                    let users = match user.proof {
                        Proof::Nkey(_) => &mut parts.keyed,
                        _ => &mut parts.named,
                    };
                    users.insert(user.proof.name(), user);
                }
                parts.no_auth_user = no_auth_user.as_deref();
                parts.default_permissions = default_permissions.as_ref();
            }
        }
        parts
    }
}

/// Who they are; nothing of what they know.
pub(super) fn names(users: &Users<'_>) -> Shown {
    Shown::List(users.keys().map(|name| (*name).to_owned()).collect())
}

/// Who came, who went, and who is another one now.
pub(super) fn what_changed<T: PartialEq>(
    old: &BTreeMap<&str, &T>,
    new: &BTreeMap<&str, &T>,
) -> Option<String> {
    let only = |these: &BTreeMap<&str, &T>, those: &BTreeMap<&str, &T>| -> Vec<String> {
        let missing = these.keys().filter(|name| !those.contains_key(*name));
        missing.map(|name| format!("{name:?}")).collect()
    };
    let changed = old
        .iter()
        .filter(|(name, user)| new.get(*name).is_some_and(|other| other != *user));
    let parts = [
        ("added", only(new, old)),
        ("removed", only(old, new)),
        ("changed", changed.map(|(name, _)| format!("{name:?}")).collect()),
    ];
    let texts: Vec<String> = parts
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(word, names)| format!("{word} {}", names.join(", ")))
        .collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}
