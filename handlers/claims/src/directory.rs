//! A folder with the tokens of accounts: a file `<public key>.jwt` each.
//!
//! A file is replaced as a whole and is on the disk when that is said. What is in the folder is known by an index in memory,
//! so that its size and the sum of its hashes cost nothing to ask.

use crate::other_servers::OtherServers;
use openssl::sha::sha256;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use thiserror::Error;
use vagus_actors::claimed_accounts::{FetchError, TokenStore};
use vagus_auth::nkey::{self, Kind};
use vagus_configs::{Deletion, DirectoryKind, DirectoryResolver};
use vagus_jwt::{Account, Claims, MAX_TOKEN};

/// How the name of each file ends.
const EXTENSION: &str = "jwt";

/// The sum of the hashes of all tokens, by which folders are compared.
type Sum = [u8; 32];

/// Why a token is not in a folder, or cannot be.
#[derive(Debug, Error)]
pub enum DirectoryError {
    /// The name is not the public key of an account.
    #[error("invalid public key")]
    Key,
    /// A token that is none.
    #[error("invalid JWT")]
    Token,
    /// The token is about another account.
    #[error("jwt subject nkey and provided nkey do not match")]
    Subject,
    /// There may not be more.
    #[error("jwt store is full")]
    Full,
    /// Nothing may be deleted.
    #[error("store is not set up to for delete")]
    NoDelete,
    /// What the system says.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// The folder. Nobody else writes in it.
#[derive(Debug)]
pub struct DirectoryStore {
    path: PathBuf,
    kind: DirectoryKind,
    limit: usize,
    patience: Duration,
    index: Mutex<Index>,
    /// Where a token is looked for that is not here; nowhere until that is said.
    elsewhere: OnceLock<OtherServers>,
}

#[derive(Debug, Default)]
struct Index {
    entries: HashMap<Box<str>, Entry>,
    /// The entries by when they were used last, for a cache that has to make room.
    by_use: BTreeMap<u64, Box<str>>,
    uses: u64,
    sum: Sum,
}

#[derive(Debug)]
struct Entry {
    hash: Sum,
    used: u64,
    /// In seconds since 1970; None: never.
    until: Option<i64>,
}

impl Index {
    fn put(&mut self, account: &str, hash: Sum, until: Option<i64>) {
        self.remove(account);
        self.uses += 1;
        let used = self.uses;
        self.by_use.insert(used, account.into());
        self.entries.insert(account.into(), Entry { hash, used, until });
        self.add(&hash);
    }

    fn remove(&mut self, account: &str) {
        if let Some(entry) = self.entries.remove(account) {
            self.by_use.remove(&entry.used);
            self.add(&entry.hash);
        }
    }

    fn touch(&mut self, account: &str, ttl: Option<Duration>) {
        self.uses += 1;
        let used = self.uses;
        if let Some(entry) = self.entries.get_mut(account) {
            self.by_use.remove(&entry.used);
            self.by_use.insert(used, account.into());
            entry.used = used;
            if let Some(ttl) = ttl {
                entry.until = Some(end_of(ttl));
            }
        }
    }

    /// Twice the same is nothing.
    fn add(&mut self, hash: &Sum) {
        for (place, byte) in self.sum.iter_mut().zip(hash) {
            *place ^= byte;
        }
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

fn end_of(ttl: Duration) -> i64 {
    now().saturating_add(i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX))
}

impl DirectoryStore {
    /// Opens a folder, which is made if it is not there. What is in it that is no token of an account is left alone.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(settings: &DirectoryResolver) -> io::Result<Self> {
        fs::create_dir_all(&settings.path)?;
        let store = Self {
            path: settings.path.clone(),
            kind: settings.kind,
            limit: settings.limit.unwrap_or(usize::MAX),
            patience: settings.timeout,
            index: Mutex::default(),
            elsewhere: OnceLock::new(),
        };
        store.read_index()?;
        Ok(store)
    }

    /// From now on what is not here is looked for at other servers.
    pub fn look_elsewhere(&self, servers: OtherServers) {
        // The first hold.
        let _ = self.elsewhere.set(servers);
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How long other servers may take to say what they have.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// What it is kept for.
    pub fn kind(&self) -> DirectoryKind {
        self.kind
    }

    /// Takes note of what is in the folder.
    fn read_index(&self) -> io::Result<()> {
        let mut index = Index::default();
        for file in fs::read_dir(&self.path)? {
            let path = file?.path();
            let is_token = path.extension().is_some_and(|extension| extension == EXTENSION);
            let account = path.file_stem().and_then(|stem| stem.to_str());
            let Some(account) = account.filter(|name| is_token && nkey::is_public(Kind::Account, name))
            else {
                continue;
            };
            let Some(token) = read(&path)? else {
                continue;
            };
            index.put(account, sha256(token.as_bytes()), self.end(&token));
        }
        *self.index.lock() = index;
        Ok(())
    }

    fn ttl(&self) -> Option<Duration> {
        match self.kind {
            DirectoryKind::Cache { ttl } => ttl,
            DirectoryKind::Full { .. } => None,
        }
    }

    /// Until when a token is kept, in seconds since 1970.
    fn end(&self, token: &str) -> Option<i64> {
        match self.ttl() {
            Some(ttl) => Some(end_of(ttl)),
            None => {
                let expires = Claims::<Account>::decode(token).map_or(0, |claims| claims.expires);
                (expires != 0).then_some(expires)
            }
        }
    }

    fn file(&self, account: &str) -> Result<PathBuf, DirectoryError> {
        if !nkey::is_public(Kind::Account, account) {
            return Err(DirectoryError::Key);
        }
        Ok(self.path.join(format!("{account}.{EXTENSION}")))
    }

    /// The token of an account, if it is there.
    ///
    /// # Errors
    /// What the system says.
    pub fn load(&self, account: &str) -> Result<Option<Box<str>>, DirectoryError> {
        let token = read(&self.file(account)?)?;
        if token.is_some() {
            self.index.lock().touch(account, self.ttl());
        }
        Ok(token)
    }

    /// Puts a token there. Whether it is another than was there.
    ///
    /// # Errors
    /// When there is no room, or what the system says.
    pub fn save(&self, account: &str, token: &str) -> Result<bool, DirectoryError> {
        if token.is_empty() || token.len() > MAX_TOKEN {
            return Err(DirectoryError::Token);
        }
        let (path, hash) = (self.file(account)?, sha256(token.as_bytes()));
        let until = self.end(token);
        let mut index = self.index.lock();
        match index.entries.get(account) {
            Some(entry) if entry.hash == hash => {
                index.touch(account, self.ttl());
                return Ok(false);
            }
            Some(_) => {}
            None if index.entries.len() >= self.limit => self.make_room(&mut index)?,
            None => {}
        }
        write(&self.path, &path, token)?;
        index.put(account, hash, until);
        Ok(true)
    }

    /// A cache forgets what was used first; any other folder is full.
    fn make_room(&self, index: &mut Index) -> Result<(), DirectoryError> {
        let oldest = match self.kind {
            DirectoryKind::Cache { .. } => index.by_use.first_key_value().map(|(_, account)| account.clone()),
            DirectoryKind::Full { .. } => None,
        };
        let oldest = oldest.ok_or(DirectoryError::Full)?;
        remove(&self.file(&oldest)?)?;
        index.remove(&oldest);
        Ok(())
    }

    /// Puts a token there, unless what is there is the same or newer. Whether it did.
    ///
    /// # Errors
    /// When it is the token of another account, there is no room, or what the system says.
    pub fn save_if_newer(&self, account: &str, token: &str) -> Result<bool, DirectoryError> {
        let claims = Claims::<Account>::decode(token).map_err(|_| DirectoryError::Token)?;
        if claims.subject != account {
            return Err(DirectoryError::Subject);
        }
        if let Some(existing) = self.load(account)?
            && let Ok(existing) = Claims::<Account>::decode(&existing)
            && (existing.id == claims.id || existing.issued_at > claims.issued_at)
        {
            return Ok(false);
        }
        self.save(account, token)
    }

    /// Takes a token away. Whether it was there.
    ///
    /// # Errors
    /// When nothing may be deleted, or what the system says.
    pub fn delete(&self, account: &str) -> Result<bool, DirectoryError> {
        let deletion = match self.kind {
            DirectoryKind::Full { deletion, .. } => deletion,
            DirectoryKind::Cache { .. } => Deletion::Final,
        };
        let path = self.file(account)?;
        let mut index = self.index.lock();
        let was_there = match deletion {
            Deletion::Refused => return Err(DirectoryError::NoDelete),
            Deletion::Final => remove(&path)?,
            Deletion::Renamed => {
                let aside = self.path.join(format!("{account}.{EXTENSION}.deleted"));
                is_there(fs::rename(&path, aside))?
            }
        };
        index.remove(account);
        Ok(was_there)
    }

    /// Whether tokens may be taken away.
    pub fn may_delete(&self) -> bool {
        !matches!(
            self.kind,
            DirectoryKind::Full {
                deletion: Deletion::Refused,
                ..
            }
        )
    }

    /// The accounts whose tokens are there, in no order.
    pub fn accounts(&self) -> Vec<Box<str>> {
        self.index.lock().entries.keys().cloned().collect()
    }

    /// The sum of the hashes of all tokens.
    pub fn sum(&self) -> [u8; 32] {
        self.index.lock().sum
    }

    /// Takes away what is not to be kept any more.
    pub fn forget_expired(&self) {
        let now = now();
        let mut index = self.index.lock();
        let expired = index
            .entries
            .iter()
            .filter(|(_, entry)| entry.until.is_some_and(|until| until <= now));
        let expired: Vec<Box<str>> = expired.map(|(account, _)| account.clone()).collect();
        for account in expired {
            if let Ok(path) = self.file(&account)
                && remove(&path).is_ok()
            {
                index.remove(&account);
            }
        }
    }
}

impl TokenStore for DirectoryStore {
    fn fetch(&self, account: &str) -> Result<Box<str>, FetchError> {
        match self.load(account) {
            Ok(Some(token)) => Ok(token),
            Ok(None) => {
                let servers = self.elsewhere.get().ok_or(FetchError::Missing)?;
                let token = servers.look_up(account).ok_or(FetchError::Missing)?;
                self.keep(account, &token)?;
                Ok(token)
            }
            Err(error) => Err(FetchError::Unanswered(error.to_string())),
        }
    }

    fn keep(&self, account: &str, token: &str) -> Result<(), FetchError> {
        let kept = self.save_if_newer(account, token);
        kept.map_err(|error| FetchError::Unanswered(error.to_string()))?;
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<Option<Box<str>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    let most = u64::try_from(MAX_TOKEN).unwrap_or(u64::MAX);
    file.take(most).read_to_string(&mut text)?;
    let text = text.trim();
    Ok((!text.is_empty()).then(|| text.into()))
}

/// Writes beside the file and puts it in its place: whoever reads it meanwhile, or after a crash, finds the old or the new.
fn write(folder: &Path, path: &Path, token: &str) -> io::Result<()> {
    let beside = path.with_extension("tmp");
    let mut file = File::create(&beside)?;
    file.write_all(token.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(folder)?.sync_all()
}

/// Whether it was there.
fn remove(path: &Path) -> io::Result<bool> {
    is_there(fs::remove_file(path))
}

fn is_there(done: io::Result<()>) -> io::Result<bool> {
    match done {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
