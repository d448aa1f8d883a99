//! The section `authorization` and what belongs to it: who may connect.

use super::accounts::AccountUsers;
use super::findings::Findings;
use super::{absent, auth_callout, users};
use crate::grammar::Entry;
use crate::{Accounts, AuthCallout};
use std::collections::HashSet;
use std::time::Duration;
use vagus_auth::credentials::{Credentials, EVERYBODY, Gate, GateError, Proof, User};
use vagus_auth::permission::Permissions;

/// A client that needs longer than this to say who it is, is none.
const LONG_TIMEOUT: Duration = Duration::from_secs(60);

/// What a file says about who may connect, until all of it is read.
#[derive(Default)]
pub(super) struct Access<'e> {
    /// The section.
    section: Option<&'e Entry>,
    credentials: Credentials,
    of_accounts: Vec<AccountUsers<'e>>,
    /// There is the system account, and no other is defined.
    only_system: bool,
    no_auth_user: Option<(&'e Entry, String)>,
}

impl<'e> Access<'e> {
    /// This section says it.
    pub(super) fn set(&mut self, section: &'e Entry, credentials: Credentials) {
        self.section = Some(section);
        self.credentials = credentials;
    }

    /// The key `no_auth_user`, which stands beside the section.
    pub(super) fn set_no_auth_user(&mut self, entry: &'e Entry, findings: &mut Findings) {
        if let Some(name) = findings.optional_text(entry) {
            self.no_auth_user = name.map(|name| (entry, name));
        }
    }

    /// Those who belong to accounts may connect, too.
    pub(super) fn admit(
        &mut self,
        users: Vec<AccountUsers<'e>>,
        accounts: &Accounts,
        findings: &mut Findings,
    ) {
        self.only_system = accounts.defines_only_system();
        let message = match &self.credentials {
            Credentials::Token(_) => "Can not have a token and accounts",
            Credentials::User { .. } => "Can not have a single user/pass and accounts",
            Credentials::Open | Credentials::Claims | Credentials::Users { .. } => {
                self.of_accounts = users;
                return;
            }
        };
        for of_account in users.iter().filter(|of_account| !of_account.users.is_empty()) {
            findings.problem(of_account.entry, message);
        }
    }

    /// The credentials, once the whole file was read.
    pub(super) fn credentials(self, findings: &mut Findings) -> Credentials {
        if let Err(error) = Gate::new(self.credentials.clone())
            && let Some(section) = self.section
        {
            findings.problem(section, error.to_string());
        }
        let is_for_everybody = self.only_system && self.section.is_none() && self.no_auth_user.is_none();
        let mut credentials = unite(self.credentials, self.of_accounts, is_for_everybody, findings);
        let Some((entry, wanted)) = self.no_auth_user else {
            return credentials;
        };
        match &mut credentials {
            Credentials::Users {
                users, no_auth_user, ..
            } => {
                if users.iter().any(|user| user.proof.name() == wanted) {
                    *no_auth_user = Some(wanted);
                } else {
                    let error = GateError::UnknownNoAuthUser(wanted);
                    findings.obstacle(entry, error.to_string());
                }
            }
            _ => findings.obstacle(entry, "no_auth_user must be one of users, and there are none"),
        }
        credentials
    }
}

/// All who may connect. Each name and each key is one user's, whichever account it belongs to. As in nats-server, where
/// there are users of the system account alone, everybody else goes on as if there were none.
fn unite(
    credentials: Credentials,
    of_accounts: Vec<AccountUsers<'_>>,
    is_for_everybody: bool,
    findings: &mut Findings,
) -> Credentials {
    let (mut users, no_auth_user, default_permissions) = match credentials {
        Credentials::Users {
            users,
            no_auth_user,
            default_permissions,
        } => (users.to_vec(), no_auth_user, default_permissions),
        Credentials::Open => (Vec::new(), None, None),
        alone => return alone,
    };
    let mut known: HashSet<String> = users.iter().map(|user| user.proof.name().to_owned()).collect();
    for AccountUsers { entry, users: added } in of_accounts {
        for user in added {
            if known.insert(user.proof.name().to_owned()) {
                users.push(user);
                continue;
            }
            let kind = match user.proof {
                Proof::Password { .. } => "user",
                Proof::Nkey(_) => "nkey",
            };
            findings.problem(
                entry,
                format!("Duplicate {kind} {:?} detected", user.proof.name()),
            );
        }
    }
    if users.is_empty() {
        return Credentials::Open;
    }
    if is_for_everybody {
        users.push(User::everybody());
    }
    Credentials::Users {
        users: users.into(),
        no_auth_user: is_for_everybody.then(|| EVERYBODY.to_owned()).or(no_auth_user),
        default_permissions,
    }
}

/// What the section says.
#[derive(Default)]
pub(super) struct Authorization {
    /// Those of everybody if it says nothing that can be used.
    pub(super) credentials: Credentials,
    /// How long a peer may take to present them, if it says so.
    pub(super) timeout: Option<Duration>,
    /// Whether those who present what is not of a user have to come by a trusted proxy.
    pub(super) requires_proxy: bool,
    /// The service that says who may come in.
    pub(super) callout: Option<AuthCallout>,
    /// What those may do of whom nothing else is said.
    pub(super) permissions: Option<Permissions>,
}

impl Authorization {
    pub(super) fn read(entry: &Entry, findings: &mut Findings) -> Self {
        let mut read = Self::default();
        read.credentials = section(entry, &mut read, findings).unwrap_or_default();
        read
    }
}

/// None if it says nothing that can be used.
fn section(entry: &Entry, read: &mut Authorization, findings: &mut Findings) -> Option<Credentials> {
    let section = findings.map(entry)?;
    let mut user = None;
    let mut password = None;
    let mut token = None;
    let mut users = None;
    let mut default_permissions = None;
    for entry in section.entries() {
        match entry.key.to_lowercase().as_str() {
            "user" | "username" => user = findings.optional_text(entry).flatten(),
            "pass" | "password" => password = findings.optional_text(entry).flatten(),
            "token" => token = findings.optional_text(entry).flatten(),
            "timeout" => read.timeout = read_timeout(entry, findings).or(read.timeout),
            "proxy_required" => read.requires_proxy = findings.boolean(entry)?,
            "users" => users = Some((entry, users::read(entry, findings))),
            "auth_callout" | "auth_hook" => read.callout = auth_callout::read(entry, findings),
            "default_permission" | "default_permissions" | "permissions" => {
                default_permissions = findings.permissions(entry);
            }
            key => absent::refuse(key, entry, &absent::AUTHORIZATION, findings),
        }
    }
    read.permissions.clone_from(&default_permissions);
    if token.is_some() && (user.is_some() || password.is_some()) {
        let message = "authorization is by user and password or by token, not by both";
        return findings.refuse(entry, message.to_owned());
    }
    if users.is_some() && (token.is_some() || user.is_some()) {
        let one = if token.is_some() {
            "a token"
        } else {
            "one user and password"
        };
        return findings.refuse(
            entry,
            format!("authorization is by {one} or by users, not by both"),
        );
    }
    Some(match (token, user, users) {
        (Some(token), ..) => Credentials::Token(token),
        (None, Some(name), _) => Credentials::User {
            name,
            password: password.unwrap_or_default(),
        },
        (None, None, Some((entry, users))) if users.is_empty() => {
            findings.note(Some(entry), "users is empty, so that everybody may connect");
            Credentials::Open
        }
        (None, None, Some((_, users))) => Credentials::Users {
            users: users.into(),
            no_auth_user: None,
            default_permissions,
        },
        (None, None, None) => Credentials::Open,
    })
}

/// Seconds, with or without a fraction, or a duration. 0 is the default.
pub(super) fn read_timeout(entry: &Entry, findings: &mut Findings) -> Option<Duration> {
    let timeout = findings.seconds(entry)?;
    if timeout > LONG_TIMEOUT {
        let message = "timeout is more than a minute; note that without quotes 1m is a million, not a minute";
        findings.doubt(Some(entry), message);
    }
    Some(timeout)
}
