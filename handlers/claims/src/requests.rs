//! What is asked about the tokens of accounts, in the system account, and what is answered.

use crate::directory::{DirectoryError, DirectoryStore};
use serde::Serialize;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use vagus_actors::claimed_accounts::{ClaimedAccounts, UpdateError};
use vagus_auth::nkey::{self, Kind};
use vagus_configs::{DirectoryKind, Operators};
use vagus_jwt::{Account, Claims, GenericClaims};

/// The queue group of those who answer when folders are compared: one does.
const RESPONDERS: &str = "responder";

/// Answers what is asked about the tokens of accounts. Some of it reads and writes files.
#[derive(Debug)]
pub struct ClaimsDesk {
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
}

/// What is subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The subject.
    pub subject: &'static str,
    /// The queue group, where one server is to answer.
    pub queue: Option<&'static str>,
    /// What is asked there.
    pub topic: Topic,
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

/// It was done; the log has it as clients have.
fn done(account: &str, message: &str) -> Reply {
    log::debug!("{message} - {account}");
    let done = Done {
        account,
        code: 200,
        message,
    };
    Reply::Data(serde_json::to_string(&done).unwrap_or_default())
}

fn failed(account: &str, message: &str, why: &str) -> Reply {
    let description = format!("{message} - {why}");
    log::error!("{account}: {description}");
    let failed = Failed {
        account,
        code: 500,
        description: &description,
    };
    Reply::Error(serde_json::to_string(&failed).unwrap_or_default())
}

impl ClaimsDesk {
    /// For the accounts that these operators sign, with the folder that their tokens are in, if they are in one.
    pub fn new(
        accounts: Arc<ClaimedAccounts>,
        directory: Option<Arc<DirectoryStore>>,
        operators: &Operators,
        system_account: Option<&str>,
    ) -> Self {
        let first = operators.claims.first();
        let strict = first.filter(|claims| claims.nats.strict_signing_key_usage);
        Self {
            accounts,
            directory,
            strict_operator: strict.map(|claims| claims.subject.clone()),
            operator_keys: first.map_or_else(Vec::new, |claims| {
                claims.trusted_keys().map(str::to_owned).collect()
            }),
            system_account: system_account.map(str::to_owned),
        }
    }

    /// What is to be subscribed to in the system account.
    pub fn desired(&self) -> Vec<Desired> {
        let one = |subject, topic| Desired {
            subject,
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
                ..one("$SYS.REQ.CLAIMS.PACK", Topic::Pack)
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

    /// Answers one request, after doing what it asks for. It may come without a wish for an answer.
    pub fn answer(&self, topic: Topic, subject: &[u8], payload: &[u8]) -> Vec<Reply> {
        let Some(directory) = &self.directory else {
            let reply =
                (topic == Topic::UpdateOne).then(|| self.update_in_memory(named_in(subject), payload));
            return reply.into_iter().collect();
        };
        match topic {
            Topic::UpdateOne => vec![self.update(directory, Some(named_in(subject)), payload)],
            Topic::Update => vec![self.update(directory, None, payload)],
            Topic::LookUp => look_up(directory, named_in(subject)).into_iter().collect(),
            Topic::List => list(directory),
            Topic::Delete => vec![self.delete(directory, payload)],
            Topic::Pack => pack(directory, payload),
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
                self.accounts.fetch_exporters(account);
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
                if is_new && self.accounts.known(account).is_some() {
                    // It was verified; one that has expired closes those who are in.
                    match self.accounts.update(account, token) {
                        Ok(_) => self.accounts.fetch_exporters(account),
                        Err(error) => log::error!("Update for account {account:?} resulted in error {error}"),
                    }
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

fn list(directory: &DirectoryStore) -> Vec<Reply> {
    let accounts = serde_json::to_string(&directory.accounts()).unwrap_or_default();
    vec![Reply::Data(accounts)]
}

/// A message for each token, and an empty one behind them; just that one if the other side has the same.
fn pack(directory: &DirectoryStore, their_sum: &[u8]) -> Vec<Reply> {
    let mut replies = Vec::new();
    if directory.sum() != their_sum {
        let now = now();
        for account in directory.accounts() {
            let Ok(Some(token)) = directory.load(&account) else {
                continue;
            };
            let has_expired = Claims::<Account>::decode(&token)
                .is_ok_and(|claims| claims.expires > 0 && claims.expires < now);
            if !has_expired {
                replies.push(Reply::Plain(format!("{account}|{token}").into_bytes()));
            }
        }
    }
    replies.push(Reply::Plain(Vec::new()));
    replies
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
