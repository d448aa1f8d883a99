//! Those who may connect, compiled.

use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::login::ConnectionTypes;
use super::{GateError, Proof, User};
use crate::nkey::{self, Kind, NkeyError};
use crate::password::Secret;
use crate::permission::{Matcher, Permissions};

#[derive(Debug)]
pub(super) struct Users {
    pub(super) by_name: Entries,
    pub(super) by_key: Entries,
    pub(super) no_auth_user: Option<Arc<Entry>>,
}

pub(super) type Entries = HashMap<Box<str>, Arc<Entry>, RandomState>;

/// Somebody who may connect.
#[derive(Debug)]
pub(super) struct Entry {
    /// User name or public key; empty for a token.
    pub(super) name: Box<str>,
    pub(super) check: Check,
    pub(super) permissions: Option<Arc<Matcher>>,
    pub(super) connection_types: ConnectionTypes,
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

impl Users {
    pub(super) fn new(
        users: Vec<User>,
        no_auth_user: Option<String>,
        default_permissions: Option<Permissions>,
    ) -> Result<Self, GateError> {
        let default_permissions = default_permissions
            .map(Permissions::compile)
            .transpose()
            .map_err(GateError::DefaultPermissions)?
            .map(Arc::new);
        let (mut by_name, mut by_key) = (Entries::default(), Entries::default());
        for user in users {
            let name: Box<str> = user.proof.name().into();
            let permissions = match user.permissions.map(Permissions::compile).transpose() {
                Ok(Some(own)) => Some(Arc::new(own)),
                Ok(None) => default_permissions.clone(),
                Err(reason) => {
                    return Err(GateError::Permissions {
                        user: name.into(),
                        reason,
                    });
                }
            };
            let (check, entries) = match &user.proof {
                Proof::Password { name, .. } if name.is_empty() => return Err(GateError::EmptyName),
                Proof::Password { password, .. } => (Check::Password(Secret::new(password)), &mut by_name),
                Proof::Nkey(text) => (Check::Key(user_key(text)?), &mut by_key),
            };
            let entry = Arc::new(Entry {
                name: name.clone(),
                check,
                permissions,
                connection_types: user.connection_types,
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
        Ok(Self {
            by_name,
            by_key,
            no_auth_user,
        })
    }
}

fn user_key(text: &str) -> Result<[u8; 32], GateError> {
    match nkey::decode_public(text) {
        Ok((Kind::User, key)) => Ok(key),
        Ok(_) => Err(GateError::Nkey(NkeyError::Kind)),
        Err(reason) => Err(GateError::Nkey(reason)),
    }
}
