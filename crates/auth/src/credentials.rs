//! Who may connect: the decision about a CONNECT.

mod claimed;
mod gate;
mod login;
mod users;

use std::sync::Arc;
use thiserror::Error;

pub use self::claimed::Claimed;
pub use self::gate::{BcryptTask, Decision, Gate, Identity, Warning};
pub use self::login::{Certificate, ConnectionType, ConnectionTypes, Login, UnknownConnectionType};
use crate::nkey::NkeyError;
use crate::permission::{PermissionError, Permissions};

/// What a configuration asks of those who connect. Passwords and tokens may be hashes, see
/// [`is_hash`](crate::password::is_hash).
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    #[default]
    Open,
    /// A token, one for all.
    Token(String),
    /// A name and a password, one for all.
    User {
        /// The name.
        name: String,
        /// The password.
        password: String,
    },
    /// A token that an account has signed which an operator has signed: whoever knows those decides.
    Claims,
    /// To be one of these.
    Users {
        /// No two with one name or one key. Shared, as configurations are copied and there may be a hundred thousand.
        users: Arc<[User]>,
        /// The name or the key of the user that those are who give no credentials.
        no_auth_user: Option<String>,
        /// Of users that have none of their own, and belong to no account. What those of an account may do is theirs
        /// already.
        default_permissions: Option<Permissions>,
    },
}

/// One of several users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// How it proves who it is.
    pub proof: Proof,
    /// None: the default ones.
    pub permissions: Option<Arc<Permissions>>,
    /// How it may connect.
    pub connection_types: ConnectionTypes,
    /// The name of the account that it belongs to; None: that of everybody who belongs to no other.
    pub account: Option<Arc<str>>,
    /// Whether it has to come by a [trusted proxy](crate::proxies).
    pub requires_proxy: bool,
}

/// The name of the user that everybody is who gives no credentials, where only users of the system account are defined.
pub const EVERYBODY: &str = "nats-everybody";

impl User {
    /// The user that everybody is who gives no credentials: [`EVERYBODY`].
    #[must_use]
    pub fn everybody() -> Self {
        Self {
            proof: Proof::Password {
                name: EVERYBODY.to_owned(),
                password: EVERYBODY.to_owned(),
            },
            permissions: None,
            connection_types: ConnectionTypes::default(),
            account: None,
            requires_proxy: false,
        }
    }
}

/// How a user proves who it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// By a password.
    Password {
        /// The user's name.
        name: String,
        /// The password.
        password: String,
    },
    /// By a signature with the private key of this public one.
    Nkey(String),
}

impl Proof {
    /// The name, or the public key.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Password { name, .. } => name,
            Self::Nkey(key) => key,
        }
    }
}

/// Why credentials cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GateError {
    /// A token without characters would let everyone in.
    #[error("the token is empty")]
    EmptyToken,
    /// A user without a name is none.
    #[error("a user has an empty name")]
    EmptyName,
    /// Two users with one name or one key.
    #[error("duplicate user {0:?}")]
    DuplicateUser(String),
    /// Not the public key of a user. It is not shown, as it may be a private one.
    #[error("not a valid public nkey for a user: {0}")]
    Nkey(NkeyError),
    /// There is no user with the name of `no_auth_user`.
    #[error("no_auth_user: {0:?} is none of the users")]
    UnknownNoAuthUser(String),
    /// The permissions of a user.
    #[error("invalid permissions for user {user:?}: {reason}")]
    Permissions {
        /// The user's name or key.
        user: String,
        /// What is wrong with them.
        reason: PermissionError,
    },
    /// The default permissions.
    #[error("invalid default permissions: {0}")]
    DefaultPermissions(PermissionError),
}

mod redacted {
    //! What must not get into a log is left out of it.

    use std::fmt;

    use super::{Credentials, Proof};
    use crate::nkey::decode_public;

    impl fmt::Debug for Credentials {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                Self::Open => formatter.write_str("Open"),
                Self::Claims => formatter.write_str("Claims"),
                Self::Token(_) => formatter.debug_tuple("Token").finish_non_exhaustive(),
                Self::User { name, .. } => formatter
                    .debug_struct("User")
                    .field("name", name)
                    .finish_non_exhaustive(),
                Self::Users {
                    users,
                    no_auth_user,
                    default_permissions,
                } => formatter
                    .debug_struct("Users")
                    .field("users", users)
                    .field("no_auth_user", no_auth_user)
                    .field("default_permissions", default_permissions)
                    .finish(),
            }
        }
    }

    impl fmt::Debug for Proof {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                Self::Password { name, .. } => formatter
                    .debug_struct("Password")
                    .field("name", name)
                    .finish_non_exhaustive(),
                // It may be a private one, by mistake.
                Self::Nkey(key) if decode_public(key).is_err() => {
                    formatter.debug_tuple("Nkey").finish_non_exhaustive()
                }
                Self::Nkey(key) => formatter.debug_tuple("Nkey").field(key).finish(),
            }
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod configuration_tests;

#[cfg(test)]
mod certificate_tests;
