//! Credentials, compiled, and what they decide.

use std::fmt;
use std::sync::Arc;

use openssl::memcmp;
use openssl::sha::sha256;

use super::claimed::Claimed;
use super::login::{Certificate, ConnectionType, ConnectionTypes, Login};
use super::users::{Check, Entry, Users};
use super::{Credentials, EVERYBODY, GateError};
use crate::nkey;
use crate::password::{Hash, Secret};
use crate::permission::Rights;
use crate::remembered::Remembered;

/// Decides who may connect.
///
/// A refusal costs the same whether the user exists or not, as long as all hashes are of one cost: where there is a
/// hash at all, every wrong password is compared with one.
#[derive(Debug)]
pub struct Gate {
    method: Method,
    /// What those are compared with that have no hash of their own; none if nobody has one.
    decoy: Option<Hash>,
    /// What was compared before need not be again. Other credentials make another gate, which knows nothing.
    remembered: Arc<Remembered>,
}

#[derive(Debug)]
enum Method {
    Open,
    /// Who is let in is decided elsewhere.
    Claims,
    Token(Arc<Entry>),
    User(Arc<Entry>),
    Users(Users),
}

/// Who a connection is, and how that was found out.
#[derive(Clone)]
pub struct Identity {
    who: Who,
    /// Whether it gave no credentials.
    by_default: bool,
    connection: ConnectionType,
}

/// Who is known how.
#[derive(Clone)]
enum Who {
    /// Nothing was asked.
    Anybody,
    /// By the configuration.
    Configured(Arc<Entry>),
    /// By a token.
    Claimed(Arc<Claimed>),
}

impl Who {
    fn configured(&self) -> Option<&Arc<Entry>> {
        match self {
            Self::Configured(entry) => Some(entry),
            Self::Anybody | Self::Claimed(_) => None,
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Identity")
            .field("user", &self.user())
            .field("by_default", &self.by_default)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// Somebody who is let in by a token.
    #[must_use]
    pub fn claimed(claimed: Claimed, connection: ConnectionType) -> Self {
        Self {
            who: Who::Claimed(Arc::new(claimed)),
            by_default: false,
            connection,
        }
    }

    /// What the token says that it was let in by, if it was.
    #[must_use]
    pub fn claims(&self) -> Option<&Claimed> {
        match &self.who {
            Who::Claimed(claimed) => Some(claimed),
            Who::Anybody | Who::Configured(_) => None,
        }
    }

    /// How it is connected.
    #[must_use]
    pub fn connection(&self) -> ConnectionType {
        self.connection
    }

    /// The user's name or public key; none if there is no user: with a token, or where nothing is asked.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match &self.who {
            Who::Anybody => None,
            Who::Configured(entry) => (!matches!(entry.check, Check::Token(_))).then_some(&*entry.name),
            Who::Claimed(claimed) => Some(claimed.name.as_ref().unwrap_or(&claimed.user)),
        }
    }

    /// The name of the account that it belongs to; None: that of everybody who belongs to no other.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match &self.who {
            Who::Anybody => None,
            Who::Configured(entry) => entry.account.as_deref(),
            Who::Claimed(claimed) => Some(&claimed.account),
        }
    }

    /// Whether it has to come by a trusted proxy.
    #[must_use]
    pub fn requires_proxy(&self) -> bool {
        match &self.who {
            Who::Anybody => false,
            Who::Configured(entry) => entry.requires_proxy,
            Who::Claimed(claimed) => claimed.requires_proxy,
        }
    }

    /// What it may do: never [`Rights::Nothing`], as it was admitted.
    #[must_use]
    pub fn rights(&self) -> Rights {
        match &self.who {
            Who::Anybody => Rights::Everything,
            Who::Configured(entry) => entry.rights.clone(),
            Who::Claimed(claimed) => claimed.rights.clone(),
        }
    }
}

/// The answer to a CONNECT.
#[derive(Debug)]
pub enum Decision {
    /// Welcome.
    Admitted(Identity),
    /// Not welcome: "Authorization Violation".
    Refused,
    /// To be decided where it does not keep others waiting.
    Verify(BcryptTask),
}

/// The comparison of a password with a hash: milliseconds to seconds of computing.
pub struct BcryptTask {
    hash: Hash,
    password: Box<[u8]>,
    /// None if it is refused anyway.
    identity: Option<Identity>,
    remembered: Arc<Remembered>,
}

impl BcryptTask {
    /// Compares. None: not welcome.
    #[must_use]
    pub fn run(self) -> Option<Identity> {
        let fits = self.hash.fits(&self.password);
        let identity = self.identity.filter(|_| fits)?;
        self.remembered.keep(&self.hash, &self.password);
        Some(identity)
    }
}

impl fmt::Debug for BcryptTask {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("BcryptTask").finish_non_exhaustive()
    }
}

/// What an operator should know of the server's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Some password is not hashed.
    PlaintextPasswords,
    /// The password of this user (or the token, if none) looks like a hash and is none: nobody can log in with it.
    UnusableHash {
        /// The user's name.
        user: Option<String>,
    },
}

impl Gate {
    /// A gate for these credentials.
    ///
    /// # Errors
    /// When they are contradictory or something in them is not valid.
    pub fn new(credentials: Credentials) -> Result<Self, GateError> {
        let method = match credentials {
            Credentials::Open => Method::Open,
            Credentials::Claims => Method::Claims,
            Credentials::Token(token) if token.is_empty() => return Err(GateError::EmptyToken),
            Credentials::Token(token) => Method::Token(Arc::new(Entry {
                name: Box::default(),
                check: Check::Token(Secret::new(&token)),
                rights: Rights::Everything,
                connection_types: ConnectionTypes::default(),
                account: None,
                requires_proxy: false,
            })),
            Credentials::User { name, .. } if name.is_empty() => return Err(GateError::EmptyName),
            Credentials::User { name, password } => Method::User(Arc::new(Entry {
                name: name.into(),
                check: Check::Password(Secret::new(&password)),
                rights: Rights::Everything,
                connection_types: ConnectionTypes::default(),
                account: None,
                requires_proxy: false,
            })),
            Credentials::Users {
                users,
                no_auth_user,
                default_permissions,
            } => Method::Users(Users::new(&users, no_auth_user, default_permissions)?),
        };
        let mut gate = Self {
            method,
            decoy: None,
            remembered: Arc::default(),
        };
        let highest_cost = gate.entries().filter_map(|entry| match entry.check.secret() {
            Some(Secret::Hashed(hash)) => Some(hash.cost()),
            _ => None,
        });
        gate.decoy = highest_cost.max().map(Hash::decoy);
        Ok(gate)
    }

    /// The same, if those who come by the one token or the one user have to come by a trusted proxy. Of several users each
    /// says that itself.
    #[must_use]
    pub fn requiring_proxy(mut self, required: bool) -> Self {
        if let Method::Token(entry) | Method::User(entry) = &mut self.method
            && let Some(entry) = Arc::get_mut(entry)
        {
            entry.requires_proxy = required;
        }
        self
    }

    fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        let (one, users) = match &self.method {
            Method::Open | Method::Claims => (None, None),
            Method::Token(entry) | Method::User(entry) => (Some(entry), None),
            Method::Users(users) => (None, Some(users)),
        };
        let users = users
            .into_iter()
            .flat_map(|users| users.by_name.values().chain(users.by_key.values()));
        one.into_iter().chain(users)
    }

    /// Whether INFO says `auth_required`: there is no other way in than with credentials.
    #[must_use]
    pub fn requires_login(&self) -> bool {
        match &self.method {
            Method::Open => false,
            Method::Claims | Method::Token(_) | Method::User(_) => true,
            Method::Users(users) => users.no_auth_user.is_none(),
        }
    }

    /// Who everybody is that connects in this way, before it says anything: somebody only where nothing is asked.
    #[must_use]
    pub fn anybody(&self, connection: ConnectionType) -> Option<Identity> {
        matches!(self.method, Method::Open).then_some(Identity {
            who: Who::Anybody,
            by_default: false,
            connection,
        })
    }

    /// Whether a client that connects in this way may begin with something else than CONNECT. Who it is then is for
    /// [`Gate::begin`] to say. As in nats-server, a `no_auth_user` that has a key and no name still needs CONNECT.
    #[must_use]
    pub fn may_skip_connect(&self, connection: ConnectionType) -> bool {
        match &self.method {
            Method::Open => true,
            Method::Claims | Method::Token(_) | Method::User(_) => false,
            Method::Users(users) => users.no_auth_user.as_ref().is_some_and(|entry| {
                !matches!(entry.check, Check::Key(_)) && entry.connection_types.allow(connection)
            }),
        }
    }

    /// Whether there are several users, each with a name or a key.
    #[must_use]
    pub fn has_users(&self) -> bool {
        matches!(self.method, Method::Users(_))
    }

    /// Whether one of several users has this name or key.
    #[must_use]
    pub fn has_user(&self, name: &str) -> bool {
        let Method::Users(users) = &self.method else {
            return false;
        };
        users.by_name.contains_key(name) || users.by_key.contains_key(name)
    }

    /// Whether INFO has a nonce to be signed.
    #[must_use]
    pub fn needs_nonce(&self) -> bool {
        match &self.method {
            Method::Claims => true,
            Method::Users(users) => !users.by_key.is_empty(),
            Method::Open | Method::Token(_) | Method::User(_) => false,
        }
    }

    /// What to say about them at the start.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for entry in self.entries() {
            match &entry.check {
                Check::Password(Secret::Plain(_)) if &*entry.name == EVERYBODY => {}
                Check::Password(Secret::Plain(_)) if !warnings.contains(&Warning::PlaintextPasswords) => {
                    warnings.insert(0, Warning::PlaintextPasswords);
                }
                Check::Token(Secret::Unusable) => warnings.push(Warning::UnusableHash { user: None }),
                Check::Password(Secret::Unusable) => warnings.push(Warning::UnusableHash {
                    user: Some(entry.name.to_string()),
                }),
                _ => {}
            }
        }
        warnings
    }

    /// Decides about a CONNECT, or about the first operation of a client that sends none (then `login` has nothing but
    /// its connection type). `nonce` is the text in the INFO of this connection, empty if it had none.
    #[must_use]
    pub fn begin(&self, login: &Login<'_>, nonce: &[u8]) -> Decision {
        match &self.method {
            Method::Claims => Decision::Refused,
            Method::Open => Decision::Admitted(Identity {
                who: Who::Anybody,
                by_default: false,
                connection: login.connection,
            }),
            Method::Token(entry) => self.compare(Some(entry), login.token, login),
            Method::User(entry) => {
                let is_named = memcmp::eq(&sha256(login.user.as_bytes()), &sha256(entry.name.as_bytes()));
                self.compare(Some(entry).filter(|_| is_named), login.password, login)
            }
            Method::Users(users) => self.begin_as_user(users, login, nonce),
        }
    }

    fn begin_as_user(&self, users: &Users, login: &Login<'_>, nonce: &[u8]) -> Decision {
        let says_nothing = login.user.is_empty() && login.password.is_empty() && login.token.is_empty();
        let by_default = || match users.by_default(login.connection) {
            Some(entry) => Decision::Admitted(Identity {
                who: Who::Configured(Arc::clone(entry)),
                by_default: true,
                connection: login.connection,
            }),
            None => Decision::Refused,
        };
        // As in nats-server, a key does not count where no user has one, and counts before a certificate.
        if !users.by_key.is_empty() {
            if !login.nkey.is_empty() {
                return sign(users.by_key.get(login.nkey), login, nonce);
            }
            let is_key = |entry: &Arc<Entry>| matches!(entry.check, Check::Key(_));
            if says_nothing && users.no_auth_user.as_ref().is_some_and(is_key) {
                return by_default();
            }
        }
        match login.certificate {
            Certificate::Missing if !users.by_name.is_empty() => return Decision::Refused,
            Certificate::Shown(names) if !users.by_name.is_empty() => {
                // A user that has a password needs it all the same.
                return match users.by_certificate(names, login.connection) {
                    Some(entry) => self.compare(Some(entry), login.password, login),
                    None => Decision::Refused,
                };
            }
            _ => {}
        }
        if says_nothing {
            return by_default();
        }
        if login.user.is_empty() {
            return Decision::Refused;
        }
        self.compare(users.by_name.get(login.user), login.password, login)
    }

    /// The decision about somebody who says to be `entry`, if there is such a one, and proves it by `given`.
    fn compare(&self, entry: Option<&Arc<Entry>>, given: &str, login: &Login<'_>) -> Decision {
        let digest = sha256(given.as_bytes());
        let entry = entry.filter(|entry| entry.connection_types.allow(login.connection));
        let (plain, hash) = match entry.and_then(|entry| entry.check.secret()) {
            Some(Secret::Plain(plain)) => (Some(plain), None),
            Some(Secret::Hashed(hash)) => (None, Some(hash)),
            Some(Secret::Unusable) | None => (None, None),
        };
        // Without one to compare with, it is compared all the same.
        let is_equal = memcmp::eq(plain.unwrap_or(&[0; 32]), &digest) && plain.is_some();
        let identity = entry.map(|entry| Identity {
            who: Who::Configured(Arc::clone(entry)),
            by_default: false,
            connection: login.connection,
        });
        match (identity, hash.or(self.decoy.as_ref())) {
            (Some(identity), _) if is_equal => Decision::Admitted(identity),
            (_, None) => Decision::Refused,
            (identity, Some(compared)) => {
                let identity = identity.filter(|_| hash.is_some());
                // Looked for also where nobody is to be found: it takes as long.
                let is_known = self.remembered.knows(compared, given.as_bytes());
                match identity {
                    Some(identity) if is_known => Decision::Admitted(identity),
                    identity => Decision::Verify(BcryptTask {
                        hash: compared.clone(),
                        password: given.as_bytes().into(),
                        identity,
                        remembered: Arc::clone(&self.remembered),
                    }),
                }
            }
        }
    }

    /// What a connection that was let in is to a new gate, after a change of configuration; none if it would not be let
    /// in now: its user is gone, has another password, may not connect in this way or is not who its certificate says.
    ///
    /// Its credentials are not kept, so that a password that was only hashed by the change counts as another.
    #[must_use]
    pub fn renew(&self, identity: &Identity, certificate: Certificate<'_>) -> Option<Identity> {
        let connection = identity.connection;
        if let Who::Claimed(_) = &identity.who {
            // That the token still holds is for whoever knows the accounts.
            return matches!(self.method, Method::Claims).then(|| identity.clone());
        }
        let entry = match (&self.method, identity.who.configured()) {
            (Method::Open, _) => None,
            (Method::Claims, _) | (_, None) => return None,
            (Method::Token(_) | Method::User(_), _) if identity.by_default => return None,
            (Method::Token(entry) | Method::User(entry), Some(known)) => Some(entry.same_as(known)?),
            (Method::Users(users), Some(known)) => {
                let entry = if identity.by_default {
                    users.by_default(connection)?
                } else {
                    let entries = match known.check {
                        Check::Key(_) => &users.by_key,
                        Check::Token(_) | Check::Password(_) => &users.by_name,
                    };
                    entries.get(&known.name)?.same_as(known)?
                };
                Some(match certificate {
                    _ if matches!(entry.check, Check::Key(_)) => entry,
                    Certificate::NotAsked => entry,
                    Certificate::Shown(names) if !identity.by_default => {
                        users.by_certificate(names, connection)?.same_as(entry)?
                    }
                    Certificate::Shown(_) | Certificate::Missing => return None,
                })
            }
        };
        if entry.is_some_and(|entry| !entry.connection_types.allow(connection)) {
            return None;
        }
        Some(Identity {
            who: entry.map_or(Who::Anybody, |entry| Who::Configured(Arc::clone(entry))),
            by_default: identity.by_default,
            connection,
        })
    }
}

/// The decision about somebody who says to have the key of `entry`, if there is such a one. The signature is verified
/// with the key that was given, so that this takes as long for a key that nobody has.
fn sign(entry: Option<&Arc<Entry>>, login: &Login<'_>, nonce: &[u8]) -> Decision {
    let (Ok((_, key)), Some(signature)) = (
        nkey::decode_public(login.nkey),
        nkey::decode_signature(login.signature),
    ) else {
        return Decision::Refused;
    };
    let is_signed = !nonce.is_empty() && nkey::verify(&key, nonce, &signature);
    match entry.filter(|entry| entry.connection_types.allow(login.connection)) {
        Some(entry) if is_signed => Decision::Admitted(Identity {
            who: Who::Configured(Arc::clone(entry)),
            by_default: false,
            connection: login.connection,
        }),
        _ => Decision::Refused,
    }
}
