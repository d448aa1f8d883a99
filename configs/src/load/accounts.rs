//! The sections of accounts: which there are, and who belongs to which.

use super::findings::Findings;
use super::{absent, users};
use crate::grammar::{Entry, Kind, Map, Value};
use crate::{Accounts, DEFAULT_SYSTEM_ACCOUNT, GLOBAL_ACCOUNT};
use std::collections::BTreeSet;
use std::sync::Arc;
use vagus_auth::credentials::User;
use vagus_auth::permission::Permissions;

/// What a file says about accounts, until all of it is read.
#[derive(Default)]
pub(super) struct Section<'e> {
    names: BTreeSet<Arc<str>>,
    users: Vec<AccountUsers<'e>>,
    system: Option<(&'e Entry, String)>,
    without_system: bool,
}

/// Those who belong to one account.
pub(super) struct AccountUsers<'e> {
    /// What lists them.
    pub(super) entry: &'e Entry,
    /// Each says which account it is.
    pub(super) users: Vec<User>,
}

impl<'e> Section<'e> {
    pub(super) fn take(&mut self, key: &str, entry: &'e Entry, findings: &mut Findings) -> bool {
        match key {
            "accounts" => match &entry.value.kind {
                Kind::Array(names) => self.name_all(names, findings),
                Kind::Map(accounts) => self.read_all(accounts, findings),
                // As in nats-server, anything else says nothing.
                other => {
                    let message = format!("{} should be a map or an array, not {}", entry.key, other.name());
                    findings.note(Some(entry), message);
                }
            },
            "system_account" | "system" => {
                if let Some(name) = findings.optional_text(entry) {
                    self.system = name.map(|name| (entry, name));
                }
            }
            "no_system_account" | "no_system" | "no_sys_acc" => {
                self.without_system = findings.boolean(entry).unwrap_or_default();
            }
            _ => return false,
        }
        true
    }

    fn name_all(&mut self, names: &[Value], findings: &mut Findings) {
        for value in names {
            let Kind::Text(name) = &value.kind else {
                let message = format!("the name of an account must be text, not {}", value.kind.name());
                findings.problem_at(&value.place, message);
                continue;
            };
            if name == GLOBAL_ACCOUNT {
                findings.problem_at(&value.place, is_reserved(name));
            } else if !self.names.insert(name.as_str().into()) {
                findings.problem_at(&value.place, format!("Duplicate Account Entry: {name}"));
            }
        }
    }

    fn read_all(&mut self, accounts: &'e Map, findings: &mut Findings) {
        // A key that is referred to as a variable is the operator's own.
        for entry in accounts.entries().iter().filter(|entry| !entry.used) {
            let Kind::Map(account) = &entry.value.kind else {
                findings.problem(entry, "Expected map entries for accounts");
                continue;
            };
            if entry.key == GLOBAL_ACCOUNT {
                findings.problem(entry, is_reserved(&entry.key));
                continue;
            }
            let name: Arc<str> = entry.key.as_str().into();
            self.read(&name, account, findings);
            self.names.insert(name);
        }
    }

    fn read(&mut self, name: &Arc<str>, account: &'e Map, findings: &mut Findings) {
        let mut listed = None;
        let mut default_permissions = None;
        for entry in account.entries() {
            match entry.key.to_lowercase().as_str() {
                "users" => listed = Some((entry, users::read(entry, findings))),
                "default_permissions" => default_permissions = findings.permissions(entry),
                key => absent::refuse(key, entry, &absent::ACCOUNT, findings),
            }
        }
        if let Some((entry, mut users)) = listed {
            for user in &mut users {
                belong(user, name, default_permissions.as_ref());
            }
            self.users.push(AccountUsers { entry, users });
        }
    }

    /// What was said, once the whole file was read, and who belongs to which account.
    pub(super) fn settle(self, findings: &mut Findings) -> (Accounts, Vec<AccountUsers<'e>>) {
        let system = match self.system {
            Some((entry, name)) => {
                if name != GLOBAL_ACCOUNT && !self.names.contains(name.as_str()) {
                    findings.obstacle(
                        entry,
                        format!("error resolving system account: there is no {name:?}"),
                    );
                }
                Some(name.into())
            }
            None if self.without_system && !self.names.contains(DEFAULT_SYSTEM_ACCOUNT) => None,
            None => Some(DEFAULT_SYSTEM_ACCOUNT.into()),
        };
        let accounts = Accounts {
            names: self.names,
            system,
        };
        (accounts, self.users)
    }
}

/// The user is one of this account, and may do what its users may that have no permissions of their own.
fn belong(user: &mut User, account: &Arc<str>, default_permissions: Option<&Permissions>) {
    user.account = Some(account.clone());
    if user.permissions.is_none() {
        user.permissions = default_permissions.cloned();
    }
}

fn is_reserved(name: &str) -> String {
    format!("{name:?} is a Reserved Account")
}
