//! The sections of accounts: which there are, what they share, and who belongs to which.

mod bounds;
mod exports;
mod imports;
mod mappings;
mod sharing;
mod streams;

use super::findings::Findings;
use super::{absent, operators, users};
use crate::grammar::{Entry, Kind, Map, Value};
use crate::{Accounts, DEFAULT_SYSTEM_ACCOUNT, GLOBAL_ACCOUNT};
use imports::Imports;
use std::collections::BTreeMap;
use std::sync::Arc;
use vagus_accounts::AccountDefinition;
use vagus_auth::credentials::User;
use vagus_auth::nkey::{self, decode_public};
use vagus_auth::permission::Permissions;

/// What a file says about accounts, until all of it is read.
#[derive(Default)]
pub(super) struct Section<'e> {
    /// The key `accounts`.
    entry: Option<&'e Entry>,
    definitions: BTreeMap<Arc<str>, AccountDefinition>,
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
            "accounts" => {
                self.entry = Some(entry);
                match &entry.value.kind {
                    Kind::Array(names) => self.name_all(names, findings),
                    Kind::Map(accounts) => self.read_all(accounts, findings),
                    // As in nats-server, anything else says nothing.
                    other => {
                        let message =
                            format!("{} should be a map or an array, not {}", entry.key, other.name());
                        findings.note(Some(entry), message);
                    }
                }
            }
            "mappings" | "maps" => {
                let mappings = mappings::read(entry, findings);
                self.define(GLOBAL_ACCOUNT).mappings = mappings;
            }
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

    fn define(&mut self, name: &str) -> &mut AccountDefinition {
        let definition = self.definitions.entry(name.into());
        definition.or_insert_with(|| AccountDefinition {
            name: name.into(),
            ..AccountDefinition::default()
        })
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
            } else if self.definitions.contains_key(name.as_str()) {
                findings.problem_at(&value.place, format!("Duplicate Account Entry: {name}"));
            } else {
                self.define(name);
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
            self.read(&entry.key, account, findings);
        }
    }

    fn read(&mut self, name: &str, account: &'e Map, findings: &mut Findings) {
        let mut listed = None;
        let mut imports = Imports::default();
        let definition = self.define(name);
        for entry in account.entries() {
            match entry.key.to_lowercase().as_str() {
                "users" => listed = Some((entry, users::read(entry, findings))),
                "default_permissions" => definition.default_permissions = findings.permissions(entry),
                "nkey" => definition.public_key = public_key(entry, findings),
                "exports" => exports::read(entry, definition, findings),
                "imports" => imports.read(entry, findings),
                "mappings" | "maps" => definition.mappings = mappings::read(entry, findings),
                "limits" => definition.limits = bounds::limits(entry, findings),
                "msg_trace" | "trace_dest" => definition.trace = bounds::trace(entry, findings),
                "jetstream" => definition.jetstream = streams::read(entry, findings),
                key => absent::refuse(key, entry, &absent::NOTHING, findings),
            }
        }
        definition.stream_imports = imports.streams;
        definition.service_imports = imports.services;
        let default_permissions = definition.default_permissions.clone().map(Arc::new);
        if let Some((entry, mut users)) = listed {
            let account: Arc<str> = name.into();
            for user in &mut users {
                belong(user, &account, default_permissions.as_ref());
            }
            self.users.push(AccountUsers { entry, users });
        }
    }

    /// Whether the system account is named.
    pub(super) fn names_system(&self) -> bool {
        self.system.is_some()
    }

    /// What was said, once the whole file was read, and who belongs to which account.
    pub(super) fn settle(
        self,
        operators: &operators::Section<'_>,
        findings: &mut Findings,
    ) -> (Accounts, Vec<AccountUsers<'e>>) {
        let is_defined = |name: &str| self.definitions.contains_key(name);
        let system = match self.system {
            Some((entry, name)) => {
                // Where operators sign accounts it is known once its token is.
                if !operators.is_set() && name != GLOBAL_ACCOUNT && !is_defined(&name) {
                    findings.obstacle(
                        entry,
                        format!("error resolving system account: there is no {name:?}"),
                    );
                }
                Some(name.into())
            }
            None if let Some(name) = operators.system_account() => Some(name.into()),
            None if self.without_system && !is_defined(DEFAULT_SYSTEM_ACCOUNT) => None,
            None => Some(DEFAULT_SYSTEM_ACCOUNT.into()),
        };
        if let Some(entry) = self.entry {
            exports::check(entry, &self.definitions, system.is_some(), findings);
            // Of what is not as it has to be anyway nothing can be said.
            if findings.problems.is_empty() {
                sharing::check(entry, &self.definitions, findings);
            }
        }
        let definitions = self.definitions.into_iter();
        let accounts = Accounts {
            definitions: definitions.map(|(name, one)| (name, Arc::new(one))).collect(),
            system,
        };
        (accounts, self.users)
    }
}

/// That of an account.
fn public_key(entry: &Entry, findings: &mut Findings) -> Option<Box<str>> {
    match &entry.value.kind {
        Kind::Text(key) if matches!(decode_public(key), Ok((nkey::Kind::Account, _))) => {
            Some(key.as_str().into())
        }
        // Not shown: it may be a private key.
        _ => findings.refuse(entry, "Not a valid public nkey for an account".to_owned()),
    }
}

/// The user is one of this account, and may do what its users may that have no permissions of their own.
fn belong(user: &mut User, account: &Arc<str>, default_permissions: Option<&Arc<Permissions>>) {
    user.account = Some(account.clone());
    if user.permissions.is_none() {
        user.permissions = default_permissions.cloned();
    }
}

fn is_reserved(name: &str) -> String {
    format!("{name:?} is a Reserved Account")
}
