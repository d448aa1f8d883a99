//! What is asked about the tokens of accounts, in the system account, and what is answered.

use crate::directory::{DirectoryError, DirectoryStore};
use crate::other_servers::OtherServers;
use serde::Serialize;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use vagus_actors::asking::Asking;
use vagus_actors::claimed_accounts::{ClaimedAccounts, UpdateError};
use vagus_auth::nkey::{self, Kind};
use vagus_configs::{DirectoryKind, Operators};
use vagus_jwt::{Account, Claims, GenericClaims};
use vagus_routing::AccountId;

/// The queue group of those who answer when folders are compared: one does.
const RESPONDERS: &str = "responder";

/// Where folders are compared.
const PACK: &str = "$SYS.REQ.CLAIMS.PACK";

/// Answers what is asked about the tokens of accounts. Some of it reads and writes files.
#[derive(Debug)]
pub struct ClaimsDesk {
    /// Where other servers send the tokens that they have.
    inbox: String,
    accounts: Arc<ClaimedAccounts>,
    /// None where tokens are not in a folder.
    directory: Option<Arc<DirectoryStore>>,
    /// The public key of the first operator, if it signs nothing but its own token.
    strict_operator: Option<String>,
    /// Keys that may have tokens deleted.
    operator_keys: Vec<String>,
    system_account: Option<String>,
}

/// One of the subjects that are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The token of the account that is named in the subject is another.
    UpdateOne,
    /// The token of some account is another.
    Update,
    /// What is the token of an account?
    LookUp,
    /// Which accounts have tokens?
    List,
    /// Tokens are to be gone.
    Delete,
    /// Which tokens are there, unless they are the same as elsewhere?
    Pack,
    /// Another server says which it has.
    Packed,
}

/// What is subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The subject.
    pub subject: Cow<'static, str>,
    /// The queue group, where one server is to answer.
    pub queue: Option<&'static str>,
    /// What is asked there.
    pub topic: Topic,
}

/// What a server asks about the folders of others.
#[derive(Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Where.
    pub subject: &'static str,
    /// Where tokens are to be sent that may not be here.
    pub reply: String,
    /// The sum of those that are.
    pub payload: [u8; 32],
}

/// A message that answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// Just this.
    Plain(Vec<u8>),
    /// The JSON of the field `data`, or of `error`, beside what the server says of itself.
    Data(String),
    /// See [`Reply::Data`].
    Error(String),
}

impl Reply {
    /// The message, with what the server says of itself, in JSON.
    #[must_use]
    pub fn payload(self, server: &str) -> Vec<u8> {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Data(data) => format!(r#"{{"server":{server},"data":{data}}}"#).into_bytes(),
            Self::Error(error) => format!(r#"{{"server":{server},"error":{error}}}"#).into_bytes(),
        }
    }
}

#[derive(Serialize)]
struct Done<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    account: &'a str,
    code: u16,
    message: &'a str,
}

#[derive(Serialize)]
struct Failed<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    account: &'a str,
    code: u16,
    description: &'a str,
}

/// What was done, and to which account, if it is about one; the log has it in these words.
fn told(account: &str, message: &str) -> String {
    match account {
        "" => message.to_owned(),
        account => format!("{message} - {account}"),
    }
}

fn done(account: &str, message: &str) -> Reply {
    log::debug!("{}", told(account, message));
    let done = Done {
        account,
        code: 200,
        message,
    };
    Reply::Data(serde_json::to_string(&done).unwrap_or_default())
}

fn failed(account: &str, message: &str, why: &str) -> Reply {
    log::error!("{} - {why}", told(account, message));
    let description = format!("{message} - {why}");
    let failed = Failed {
        account,
        code: 500,
        description: &description,
    };
    Reply::Error(serde_json::to_string(&failed).unwrap_or_default())
}

impl ClaimsDesk {
    /// Of the server with this id, for the accounts that these operators sign, with the folder that their tokens are in, if
    /// they are in one.
    pub fn new(
        server_id: &str,
        accounts: Arc<ClaimedAccounts>,
        directory: Option<Arc<DirectoryStore>>,
        operators: &Operators,
        system_account: Option<&str>,
    ) -> Self {
        let first = operators.claims.first();
        let strict = first.filter(|claims| claims.nats.strict_signing_key_usage);
        Self {
            inbox: format!("$SYS._INBOX.{server_id}.CLAIMS.PACK"),
            accounts,
            directory,
            strict_operator: strict.map(|claims| claims.subject.clone()),
            operator_keys: first.map_or_else(Vec::new, |claims| {
                claims.trusted_keys().map(str::to_owned).collect()
            }),
            system_account: system_account.map(str::to_owned),
        }
    }

    /// From now on tokens that are not in the folder are looked for at other servers, which are asked in this account.
    pub fn look_elsewhere(&self, asking: Asking, account: AccountId) {
        if let Some(directory) = &self.directory {
            directory.look_elsewhere(OtherServers {
                asking,
                account,
                accounts: Arc::downgrade(&self.accounts),
                patience: directory.patience(),
            });
        }
    }

    /// What is to be subscribed to in the system account.
    pub fn desired(&self) -> Vec<Desired> {
        let one = |subject, topic| Desired {
            subject: Cow::Borrowed(subject),
            queue: None,
            topic,
        };
        let mut desired = vec![
            one("$SYS.ACCOUNT.*.CLAIMS.UPDATE", Topic::UpdateOne),
            one("$SYS.REQ.ACCOUNT.*.CLAIMS.UPDATE", Topic::UpdateOne),
        ];
        let Some(directory) = &self.directory else {
            return desired;
        };
        desired.extend([
            one("$SYS.REQ.CLAIMS.UPDATE", Topic::Update),
            one("$SYS.REQ.CLAIMS.LIST", Topic::List),
            one("$SYS.REQ.CLAIMS.DELETE", Topic::Delete),
        ]);
        if let DirectoryKind::Full { .. } = directory.kind() {
            desired.push(one("$SYS.REQ.ACCOUNT.*.CLAIMS.LOOKUP", Topic::LookUp));
            desired.push(Desired {
                queue: Some(RESPONDERS),
                ..one(PACK, Topic::Pack)
            });
            desired.push(Desired {
                subject: Cow::Owned(self.inbox.clone()),
                ..one("", Topic::Packed)
            });
        }
        desired
    }

    /// What is done once a minute: what is not to be kept any more goes.
    pub fn keep_house(&self) {
        if let Some(directory) = &self.directory {
            directory.forget_expired();
        }
    }

    /// What this server asks the others about their folders, and how often; None where it has not all tokens.
    pub fn comparison(&self) -> Option<(Comparison, Duration)> {
        let directory = self.directory.as_ref()?;
        let DirectoryKind::Full { interval, .. } = directory.kind() else {
            return None;
        };
        let comparison = Comparison {
            subject: PACK,
            reply: self.inbox.clone(),
            payload: directory.sum(),
        };
        Some((comparison, interval))
    }

    /// Answers one request, after doing what it asks for. It may come without a wish for an answer. What is read from a
    /// folder is read when its turn comes.
    pub fn answer<'a>(
        &'a self,
        topic: Topic,
        subject: &[u8],
        payload: &[u8],
    ) -> Box<dyn Iterator<Item = Reply> + Send + 'a> {
        let one = |reply: Option<Reply>| Box::new(reply.into_iter());
        let Some(directory) = &self.directory else {
            return one(
                (topic == Topic::UpdateOne).then(|| self.update_in_memory(named_in(subject), payload))
            );
        };
        one(match topic {
            Topic::UpdateOne => Some(self.update(directory, Some(named_in(subject)), payload)),
            Topic::Update => Some(self.update(directory, None, payload)),
            Topic::LookUp => look_up(directory, named_in(subject)),
            Topic::List => Some(list(directory)),
            Topic::Delete => Some(self.delete(directory, payload)),
            Topic::Pack => return Box::new(pack(directory, payload)),
            Topic::Packed => {
                self.merge(directory, payload);
                None
            }
        })
    }

    /// Takes over what another server has, and is newer than what is here.
    fn merge(&self, directory: &DirectoryStore, packed: &[u8]) {
        for line in text(packed).split('\n').filter(|line| !line.is_empty()) {
            let merged = match line.split_once('|') {
                None => Err("it names no account".to_owned()),
                Some((account, token)) => self.take_over(directory, account, token.trim()),
            };
            if let Err(error) = merged {
                log::error!("DirResolver - Merging resulted in error: {error}");
            }
        }
    }

    fn take_over(&self, directory: &DirectoryStore, account: &str, token: &str) -> Result<(), String> {
        // Nobody fills the folder with what would not be believed.
        let claims = Claims::<Account>::decode(token).map_err(|error| error.to_string())?;
        if !self.accounts.trust().trusts(&claims.issuer) {
            return Err("not trusted".to_owned());
        }
        let is_new = directory.save_if_newer(account, token);
        if is_new.map_err(|error| error.to_string())? {
            log::debug!("DirResolver - Merging changed account {account}");
            self.put_in_force(account, token);
        }
        Ok(())
    }

    /// Those who are in go by the new token; one that has expired closes them.
    fn put_in_force(&self, account: &str, token: &str) {
        if self.accounts.known(account).is_none() {
            return;
        }
        match self.accounts.update(account, token) {
            Ok(_) => self.accounts.look_for_exporters(account),
            Err(error) => log::error!("Update for account {account:?} resulted in error {error}"),
        }
    }

    /// Where tokens are not kept, those change that are known.
    fn update_in_memory(&self, account: &str, payload: &[u8]) -> Reply {
        const FAILED: &str = "jwt update resulted in error";
        if payload.is_empty() {
            return failed(account, "jwt update error", "request body is empty");
        }
        let token = text(payload);
        let claims = match Claims::<Account>::decode(token) {
            Ok(claims) => claims,
            Err(error) => return failed(account, FAILED, &error.to_string()),
        };
        if claims.subject != account {
            return failed(account, FAILED, &UpdateError::Subject.to_string());
        }
        if self.accounts.known(account).is_none() {
            return done(account, "jwt update skipped");
        }
        match self.accounts.update(account, token) {
            Ok(_) => {
                self.accounts.look_for_exporters(account);
                done(account, "jwt updated")
            }
            Err(error) => failed(account, FAILED, &error.to_string()),
        }
    }

    /// A token goes to the folder: all of them to a full one, those that are known to a cache.
    fn update(&self, directory: &DirectoryStore, named: Option<&str>, payload: &[u8]) -> Reply {
        let is_cache = matches!(directory.kind(), DirectoryKind::Cache { .. });
        let (error_message, invalid_message, done_message) = match is_cache {
            false => (
                "jwt update resulted in error",
                "jwt validation failed",
                "jwt updated",
            ),
            true => (
                "jwt update cache resulted in error",
                "jwt update cache validation failed",
                "jwt updated cache",
            ),
        };
        let token = text(payload);
        let claims = match Claims::<Account>::decode(token) {
            Ok(claims) => claims,
            Err(error) => {
                let account = named.filter(|_| is_cache).unwrap_or("n/a");
                return failed(account, error_message, &error.to_string());
            }
        };
        let account = claims.subject.as_str();
        if named.is_some_and(|named| named != account) {
            let why = UpdateError::Subject.to_string();
            return failed(named.unwrap_or_default(), error_message, &why);
        }
        if self.strict_operator.as_ref() == Some(&claims.issuer) {
            let why = "operator requires issuer to be a signing key";
            return failed(account, error_message, why);
        }
        // Nobody fills the folder with what would not be believed.
        if !self.accounts.trust().trusts(&claims.issuer) {
            return failed(account, error_message, "not trusted");
        }
        if is_cache && self.accounts.known(account).is_none() {
            return done(account, "jwt update cache skipped");
        }
        let issues = claims.issues(now());
        if issues.first_error().is_some() {
            return failed(account, invalid_message, &format!("validation errors: {issues}"));
        }
        match directory.save(account, token) {
            Ok(is_new) => {
                if is_new {
                    self.put_in_force(account, token);
                }
                done(account, done_message)
            }
            Err(error) => failed(account, error_message, &error.to_string()),
        }
    }

    /// An operator orders that tokens be gone: it says so in a token that it has signed about itself.
    fn delete(&self, directory: &DirectoryStore, payload: &[u8]) -> Reply {
        let order = GenericClaims::decode(text(payload));
        let by = order.as_ref().map_or("", |order| &order.subject).to_owned();
        let accounts = order
            .map_err(|error| error.to_string())
            .and_then(|order| self.to_be_deleted(directory, &order));
        let accounts = match accounts {
            Ok(accounts) => accounts,
            Err(why) => return failed("", &format!("delete accounts request by {by} failed"), &why),
        };
        let (mut gone, mut errors) = (0, Vec::new());
        for account in &accounts {
            match directory.delete(account) {
                Ok(was_there) => {
                    gone += 1;
                    if was_there {
                        self.accounts.forget(account);
                    }
                }
                Err(error) => errors.push(error.to_string()),
            }
        }
        if errors.is_empty() {
            return done("", &format!("deleted {gone} accounts"));
        }
        let message = format!("deleted {gone} accounts, failed for {}", errors.len());
        failed("", &message, &errors.join("\n"))
    }

    fn to_be_deleted(
        &self,
        directory: &DirectoryStore,
        order: &GenericClaims,
    ) -> Result<Vec<String>, String> {
        let fail = |why: &str| Err(why.to_owned());
        if !directory.may_delete() {
            return fail("delete must be enabled in server config");
        }
        if order.subject != order.issuer {
            return fail("not self signed");
        }
        if !self.operator_keys.contains(&order.issuer) {
            return fail("not trusted");
        }
        let Some(list) = order.data.get("accounts").and_then(|list| list.as_array()) else {
            return fail("malformed request");
        };
        let mut accounts = Vec::with_capacity(list.len());
        for account in list {
            match account.as_str().filter(|key| nkey::is_public(Kind::Account, key)) {
                None => return fail("malformed request"),
                Some(account) if self.system_account.as_deref() == Some(account) => {
                    return fail("not allowed to delete system account");
                }
                Some(account) => accounts.push(account.to_owned()),
            }
        }
        Ok(accounts)
    }
}

/// What is not UTF-8 is no token.
fn text(payload: &[u8]) -> &str {
    str::from_utf8(payload).map(str::trim).unwrap_or_default()
}

/// The account that a subject names: the token before `CLAIMS`.
fn named_in(subject: &[u8]) -> &str {
    let subject = str::from_utf8(subject).unwrap_or_default();
    subject.rsplit('.').nth(2).unwrap_or_default()
}

/// Nothing is an answer, too: the account is not there.
fn look_up(directory: &DirectoryStore, account: &str) -> Option<Reply> {
    match directory.load(account) {
        Ok(token) => Some(Reply::Plain(token.unwrap_or_default().into_string().into_bytes())),
        Err(DirectoryError::Key) => Some(Reply::Plain(Vec::new())),
        Err(error) => {
            // Who asks waits for somebody else.
            log::error!("DirResolver - Error looking up account {account:?}: {error}");
            None
        }
    }
}

fn list(directory: &DirectoryStore) -> Reply {
    Reply::Data(serde_json::to_string(&directory.accounts()).unwrap_or_default())
}

/// A message for each token, and an empty one behind them; just that one if the other side has the same.
fn pack<'a>(directory: &'a DirectoryStore, their_sum: &[u8]) -> impl Iterator<Item = Reply> + use<'a> {
    let accounts = match directory.sum() == their_sum {
        true => Vec::new(),
        false => directory.accounts(),
    };
    let now = now();
    let tokens = accounts.into_iter().filter_map(move |account| {
        let token = directory.load(&account).ok().flatten()?;
        let expires = Claims::<Account>::decode(&token).map_or(0, |claims| claims.expires);
        (expires == 0 || expires >= now).then(|| Reply::Plain(format!("{account}|{token}").into_bytes()))
    });
    tokens.chain(std::iter::once(Reply::Plain(Vec::new())))
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
