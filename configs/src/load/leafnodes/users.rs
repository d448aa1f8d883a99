//! Who may connect as a leaf node: the section `authorization` of `leafnodes`.

use crate::grammar::{Entry, Kind, Map};
use crate::load::absent;
use crate::load::authorization::read_timeout;
use crate::load::findings::Findings;
use std::sync::Arc;
use std::time::Duration;
use vagus_auth::credentials::{ConnectionTypes, Credentials, Proof, User};
use vagus_auth::nkey;

/// What the section says.
#[derive(Default)]
pub(super) struct LeafUsers {
    /// Open where nobody is named: then leaf nodes are users as clients are.
    pub(super) credentials: Credentials,
    /// The account of those who need to present nothing.
    pub(super) account: Option<String>,
    pub(super) timeout: Option<Duration>,
}

/// How one user is written, alone or among several.
#[derive(Default)]
struct Written {
    name: Option<String>,
    password: Option<String>,
    account: Option<String>,
}

impl Written {
    fn take(&mut self, key: &str, entry: &Entry, findings: &mut Findings) -> bool {
        let place = match key {
            "user" | "username" => &mut self.name,
            "pass" | "password" => &mut self.password,
            "account" => &mut self.account,
            _ => return false,
        };
        *place = findings.optional_text(entry).flatten();
        true
    }

    fn proof(&mut self) -> Option<Proof> {
        Some(Proof::Password {
            name: self.name.take()?,
            password: self.password.take().unwrap_or_default(),
        })
    }
}

fn user(proof: Proof, account: Option<String>) -> User {
    User {
        proof,
        permissions: None,
        connection_types: ConnectionTypes::default(),
        account: account.map(Arc::from),
        requires_proxy: false,
    }
}

pub(super) fn read(entry: &Entry, findings: &mut Findings) -> Option<LeafUsers> {
    let mut read = LeafUsers::default();
    let (mut written, mut key, mut users) = (Written::default(), None, Vec::new());
    for entry in findings.map(entry)?.entries() {
        match entry.key.to_lowercase().as_str() {
            "nkey" => key = public_key(entry, findings),
            "timeout" => read.timeout = read_timeout(entry, findings),
            "users" => users = several(entry, findings),
            name if written.take(name, entry, findings) => {}
            name => absent::refuse(name, entry, &absent::LEAFNODE_USERS, findings),
        }
    }
    let account = written.account.take();
    let one = written.proof();
    let is_one = one.is_some();
    if !users.is_empty() && (is_one || key.is_some()) {
        let what = if is_one { "user/pass" } else { "nkey" };
        return findings.refuse(entry, format!("can not have a single {what} and a users array"));
    }
    // As in nats-server, a name counts before a key.
    if let Some(proof) = one.or(key.map(Proof::Nkey)) {
        users.push(user(proof, account.clone()));
    }
    let names = || users.iter().map(|user| user.proof.name());
    if let Some(twice) = names()
        .enumerate()
        .find(|(at, name)| names().take(*at).any(|it| it == *name))
    {
        let message = format!("duplicate user {:?} detected in leafnode authorization", twice.1);
        return findings.refuse(entry, message);
    }
    if !users.is_empty() {
        read.credentials = Credentials::Users {
            users: users.into(),
            no_auth_user: None,
            default_permissions: None,
        };
    }
    read.account = account;
    Some(read)
}

fn public_key(entry: &Entry, findings: &mut Findings) -> Option<String> {
    let key = findings.optional_text(entry).flatten()?;
    match nkey::is_public(nkey::Kind::User, &key) {
        true => Some(key),
        // Not shown: it may be a private one.
        false => findings.refuse(
            entry,
            "Not a valid public nkey for leafnode authorization".to_owned(),
        ),
    }
}

fn several(entry: &Entry, findings: &mut Findings) -> Vec<User> {
    let mut users = Vec::new();
    for value in findings.array(entry).unwrap_or_default() {
        let Kind::Map(map) = &value.kind else {
            let message = format!("a user must be a map, not {}", value.kind.name());
            findings.problem_at(&value.place, message);
            continue;
        };
        users.extend(one_of_several(map, findings));
    }
    users
}

fn one_of_several(map: &Map, findings: &mut Findings) -> Option<User> {
    let mut written = Written::default();
    for entry in map.entries() {
        let key = entry.key.to_lowercase();
        if !written.take(&key, entry, findings) {
            absent::refuse(&key, entry, &absent::LEAFNODE_USERS, findings);
        }
    }
    let account = written.account.take();
    match written.proof() {
        Some(proof) => Some(user(proof, account)),
        None => {
            if let Some(entry) = map.entries().first() {
                findings.problem(entry, "a user must have a name");
            }
            None
        }
    }
}
