//! Those who may connect, compiled.

use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use vagus_tls::{CertificateNames, DistinguishedName};

use super::login::{ConnectionType, ConnectionTypes};
use super::{GateError, Proof, User};
use crate::nkey::{self, Kind, NkeyError};
use crate::password::Secret;
use crate::permission::{PermissionError, Permissions, Rights};

#[derive(Debug)]
pub(super) struct Users {
    pub(super) by_name: Entries,
    pub(super) by_key: Entries,
    pub(super) no_auth_user: Option<Arc<Entry>>,
    /// Those whose name is a distinguished name, as the subject of a certificate is.
    by_distinguished_name: Vec<(DistinguishedName, Arc<Entry>)>,
}

pub(super) type Entries = HashMap<Box<str>, Arc<Entry>, RandomState>;

/// Somebody who may connect.
#[derive(Debug)]
pub(super) struct Entry {
    /// User name or public key; empty for a token.
    pub(super) name: Box<str>,
    pub(super) check: Check,
    pub(super) rights: Rights,
    pub(super) connection_types: ConnectionTypes,
    pub(super) account: Option<Arc<str>>,
    pub(super) requires_proxy: bool,
}

impl Entry {
    /// The entry itself, if it is of the same user with the same way to prove that.
    pub(super) fn same_as<'a>(self: &'a Arc<Self>, known: &Self) -> Option<&'a Arc<Self>> {
        (self.name == known.name && self.check == known.check).then_some(self)
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Check {
    Token(Secret),
    Password(Secret),
    Key([u8; 32]),
}

impl Check {
    pub(super) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Token(secret) | Self::Password(secret) => Some(secret),
            Self::Key(_) => None,
        }
    }
}

/// The permissions that were compiled last: users of one account often share theirs.
#[derive(Default)]
struct Compiled(Option<(Arc<Permissions>, Rights)>);

impl Compiled {
    fn rights(&mut self, permissions: &Arc<Permissions>) -> Result<Rights, PermissionError> {
        match &self.0 {
            Some((last, rights)) if Arc::ptr_eq(last, permissions) => Ok(rights.clone()),
            _ => {
                let matcher = Permissions::clone(permissions).compile()?;
                let rights = Rights::By(Arc::new(matcher));
                self.0 = Some((permissions.clone(), rights.clone()));
                Ok(rights)
            }
        }
    }
}

impl Users {
    pub(super) fn new(
        users: &[User],
        no_auth_user: Option<String>,
        default_permissions: Option<Permissions>,
    ) -> Result<Self, GateError> {
        let default_rights = match default_permissions {
            None => Rights::Everything,
            Some(permissions) => {
                let matcher = permissions.compile().map_err(GateError::DefaultPermissions)?;
                Rights::By(Arc::new(matcher))
            }
        };
        let (mut by_name, mut by_key) = (Entries::default(), Entries::default());
        let mut compiled = Compiled::default();
        for user in users {
            let name: Box<str> = user.proof.name().into();
            let rights = match &user.permissions {
                Some(own) => compiled.rights(own).map_err(|reason| GateError::Permissions {
                    user: name.to_string(),
                    reason,
                })?,
                None if user.account.is_some() => Rights::Everything,
                None => default_rights.clone(),
            };
            let (check, entries) = match &user.proof {
                Proof::Password { name, .. } if name.is_empty() => return Err(GateError::EmptyName),
                Proof::Password { password, .. } => (Check::Password(Secret::new(password)), &mut by_name),
                Proof::Nkey(text) => (Check::Key(user_key(text)?), &mut by_key),
            };
            let entry = Arc::new(Entry {
                name: name.clone(),
                check,
                rights,
                connection_types: user.connection_types,
                account: user.account.clone(),
                requires_proxy: user.requires_proxy,
            });
            if let Some(other) = entries.insert(name, entry) {
                return Err(GateError::DuplicateUser(other.name.to_string()));
            }
        }
        let no_auth_user = match no_auth_user {
            None => None,
            Some(name) => match by_key.get(&*name).or_else(|| by_name.get(&*name)) {
                Some(entry) => Some(Arc::clone(entry)),
                None => return Err(GateError::UnknownNoAuthUser(name)),
            },
        };
        let by_distinguished_name = by_name.values().filter_map(|entry| {
            let name = entry.name.parse().ok()?;
            Some((name, Arc::clone(entry)))
        });
        Ok(Self {
            by_distinguished_name: by_distinguished_name.collect(),
            by_name,
            by_key,
            no_auth_user,
        })
    }

    /// The user that those are who connect in this way and give no credentials. As in nats-server, nobody is one that
    /// has a hashed password: there is nothing to compare with the hash.
    pub(super) fn by_default(&self, connection: ConnectionType) -> Option<&Arc<Entry>> {
        self.no_auth_user.as_ref().filter(|entry| {
            let needs_no_proof = match &entry.check {
                Check::Key(_) => true,
                check => matches!(check.secret(), Some(Secret::Plain(_))),
            };
            needs_no_proof && entry.connection_types.allow(connection)
        })
    }

    /// The user that a certificate calls by name, among those who may connect in this way. As in nats-server: e-mail
    /// addresses come first, then hosts, URIs, the subject as a distinguished name with its parts in order, then in
    /// any order, and last the subject as text.
    pub(super) fn by_certificate(
        &self,
        names: &CertificateNames,
        connection: ConnectionType,
    ) -> Option<&Arc<Entry>> {
        let allowed = |entry: &&Arc<Entry>| entry.connection_types.allow(connection);
        let called = |name: &String| self.by_name.get(name.as_str()).filter(allowed);
        let mut alternatives = names.emails.iter().chain(&names.dns_names).chain(&names.uris);
        let subjects = names.subject_with_domain.iter().chain([&names.subject]);
        alternatives
            .find_map(called)
            .or_else(|| self.by_distinguished_name(names.distinguished_name.as_ref()?, allowed))
            .or_else(|| subjects.into_iter().find_map(called))
    }

    fn by_distinguished_name(
        &self,
        wanted: &DistinguishedName,
        allowed: impl Fn(&&Arc<Entry>) -> bool,
    ) -> Option<&Arc<Entry>> {
        let users = || {
            self.by_distinguished_name
                .iter()
                .filter(|(_, entry)| allowed(&entry))
        };
        users()
            .find(|(name, _)| name == wanted)
            .or_else(|| users().find(|(name, _)| name.matches_in_any_order(wanted)))
            .map(|(_, entry)| entry)
    }
}

fn user_key(text: &str) -> Result<[u8; 32], GateError> {
    match nkey::decode_public(text) {
        Ok((Kind::User, key)) => Ok(key),
        Ok(_) => Err(GateError::Nkey(NkeyError::Kind)),
        Err(reason) => Err(GateError::Nkey(reason)),
    }
}
