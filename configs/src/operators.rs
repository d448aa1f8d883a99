//! Who signs the accounts of a server, and where their tokens are found.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vagus_jwt::{Claims, Operator, Trust};
use vagus_tls::Settings;

/// For how long the token of an account is looked for elsewhere, unless something else is said.
pub const DEFAULT_FETCH_TIMEOUT: Duration = Duration::from_millis(1900);

/// How many tokens a cache of them holds, unless something else is said.
pub(crate) const DEFAULT_CACHE_LIMIT: usize = 1000;

/// How often a folder of tokens is compared with those of other servers, unless something else is said.
pub(crate) const DEFAULT_SYNC_INTERVAL: Duration = Duration::from_secs(60);

/// Accounts are what operators have signed: none is configured.
#[derive(Clone, PartialEq)]
pub struct Operators {
    /// What they say of themselves.
    pub claims: Vec<Claims<Operator>>,
    /// Their tokens, as they were given.
    pub tokens: Vec<String>,
    /// The files that tokens were given in.
    pub files: Vec<PathBuf>,
    /// Other keys that sign accounts.
    pub trusted_keys: Vec<String>,
    /// Where the tokens of accounts are found.
    pub resolver: Resolver,
    /// How TLS is spoken there, if that is said.
    pub resolver_tls: Option<Settings>,
    /// Tokens of accounts that are known at the start, by the accounts' public keys.
    pub preload: BTreeMap<String, String>,
    /// The only accounts that clients may belong to, by their public keys; None: all that are signed.
    pub pinned: Option<BTreeSet<String>>,
    /// The token of those who present none: it lets them be somebody whom a service decides about.
    pub default_sentinel: Option<String>,
}

impl Operators {
    /// The operators that the server trusts to sign accounts.
    pub fn trust(&self) -> Trust {
        let keys = self.trusted_keys.iter().map(String::as_str);
        let trust = Trust::new(keys, &self.claims);
        match &self.pinned {
            Some(pinned) => trust.pinned(pinned.iter().cloned()),
            None => trust,
        }
    }
}

/// Tokens let people in: they are not shown.
impl fmt::Debug for Operators {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Operators")
            .field("trusted_keys", &self.trusted_keys)
            .field("resolver", &self.resolver)
            .finish_non_exhaustive()
    }
}

/// Where the tokens of accounts are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolver {
    /// Nowhere but in memory.
    Memory,
    /// At this URL, which ends with a slash, followed by the public key of the account.
    Url(String),
    /// In a folder.
    Directory(DirectoryResolver),
}

/// A folder with the tokens of accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryResolver {
    /// The folder. It belongs to this server alone.
    pub path: PathBuf,
    /// What it is kept for.
    pub kind: DirectoryKind,
    /// How many tokens it may hold; None: any number.
    pub limit: Option<usize>,
    /// For how long other servers are asked for a token.
    pub timeout: Duration,
}

/// What a folder of tokens is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryKind {
    /// All tokens that there are.
    Full {
        /// How often it is compared with those of other servers.
        interval: Duration,
        /// Whether an operator may have tokens deleted.
        deletion: Deletion,
    },
    /// Those that were asked for last.
    Cache {
        /// For how long a token is kept; None: until there is no room.
        ttl: Option<Duration>,
    },
}

/// What becomes of a token that an operator has deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// No operator may.
    Refused,
    /// Its file gets another name.
    Renamed,
    /// Its file is gone.
    Final,
}

impl Resolver {
    /// The folder, where there is one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Directory(directory) => Some(&directory.path),
            Self::Memory | Self::Url(_) => None,
        }
    }
}
