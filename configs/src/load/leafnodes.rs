//! The section `leafnodes`: where leaf nodes connect, and the hubs that this server connects to as one.

mod proxy;
mod remotes;
mod users;

use super::absent;
use super::compression;
use super::findings::Findings;
use super::limits;
use super::listener::Section;
use super::read::set;
use crate::grammar::{Entry, Kind, Map};
use crate::{BesideTls, Config, LeafListener, LeafNodes, WriteTimeout};
use vagus_compression::mode::Mode;

/// What a file says of leaf nodes, until all of it is read.
#[derive(Default)]
pub(super) struct LeafNodesSection<'e>(Option<(&'e Entry, &'e Map)>);

impl<'e> LeafNodesSection<'e> {
    pub(super) fn take(&mut self, key: &str, entry: &'e Entry, findings: &mut Findings) -> bool {
        if !matches!(key, "leaf" | "leafnodes") {
            return false;
        }
        if let Some(section) = findings.map(entry) {
            self.0 = Some((entry, section));
        }
        true
    }

    /// What was said, once the whole file was read.
    pub(super) fn settle(self, config: &Config, findings: &mut Findings) -> LeafNodes {
        let Some((entry, section)) = self.0 else {
            return LeafNodes::default();
        };
        let leafnodes = read(section, findings);
        check_accounts(entry, &leafnodes, config, findings);
        leafnodes
    }
}

fn read(section: &Map, findings: &mut Findings) -> LeafNodes {
    let mut leafnodes = LeafNodes::default();
    let mut accepted = LeafListener::default();
    let mut listener = Section::of(accepted.settings.clone(), "advertise");
    let (mut listens, mut users) = (false, None);
    for entry in section.entries() {
        let key = entry.key.to_lowercase();
        let key = match key.as_str() {
            "leafnode_advertise" => "advertise",
            key => key,
        };
        match key {
            "authorization" => users = users::read(entry, findings),
            "remotes" => leafnodes.remotes = remotes::read(entry, findings),
            "reconnect" | "reconnect_delay" | "reconnect_interval" => {
                set(&mut leafnodes.reconnect, findings.duration(entry));
            }
            "dial_timeout" => set(&mut leafnodes.dial_timeout, findings.duration(entry)),
            "no_advertise" => {
                if let Some(on) = findings.boolean(entry) {
                    accepted.advertises = !on;
                }
            }
            "min_version" | "minimum_version" => accepted.min_version = min_version(entry, findings),
            "compression" => set(&mut accepted.compression, mode(entry, findings)),
            "isolate_leafnode_interest" | "isolate" => set(&mut leafnodes.isolates, findings.boolean(entry)),
            "write_deadline" => leafnodes.write_deadline = findings.duration(entry),
            "write_timeout" => set(
                &mut leafnodes.write_timeout,
                limits::write_timeout(entry, WriteTimeout::Retry, findings),
            ),
            "listen" => {
                listens = true;
                listener.take(key, entry, findings);
            }
            "port" => {
                listens = !matches!(entry.value.kind, Kind::Integer(0));
                listener.take(key, entry, findings);
            }
            "no_auth_user" => absent::refuse(key, entry, &absent::LEAFNODES, findings),
            _ if listener.take(key, entry, findings) => {}
            _ => absent::refuse(key, entry, &absent::LEAFNODES, findings),
        }
    }
    accepted.settings = listener.settle(&BesideTls::default(), None, findings);
    if let Some(users) = users {
        accepted.settings.credentials = users.credentials;
        set(&mut accepted.account, users.account);
        set(&mut accepted.settings.auth_timeout, users.timeout);
    }
    leafnodes.listener = listens.then_some(accepted);
    leafnodes
}

/// How a link is compressed.
fn mode(entry: &Entry, findings: &mut Findings) -> Option<Mode> {
    compression::read(entry, &Mode::default_of_leaf_nodes(), findings)
}

/// Versions before this one do not say which they are.
const OLDEST_MIN_VERSION: [u64; 3] = [2, 8, 0];

fn min_version(entry: &Entry, findings: &mut Findings) -> Option<String> {
    let version = findings.optional_text(entry).flatten()?;
    match vagus_protocol::version::components(&version) {
        None => findings.refuse(
            entry,
            "invalid leafnode's minimum version: invalid semver".to_owned(),
        ),
        Some(components) if components < OLDEST_MIN_VERSION => {
            findings.refuse(entry, "the minimum version should be at least 2.8.0".to_owned())
        }
        Some(_) => Some(version),
    }
}

/// Each account that is named has to be there; who signs accounts names them by their keys.
fn check_accounts(entry: &Entry, leafnodes: &LeafNodes, config: &Config, findings: &mut Findings) {
    let is_there = |name: &str| {
        name == crate::GLOBAL_ACCOUNT
            || config.accounts.names().contains(name)
            || config.accounts.system.as_deref() == Some(name)
    };
    let is_key = |name: &str| vagus_auth::nkey::is_public(vagus_auth::nkey::Kind::Account, name);
    for remote in &leafnodes.remotes {
        match config.operators.is_some() {
            true if !is_key(&remote.account) => findings.obstacle(
                entry,
                "operator mode requires account nkeys in remotes. Please add an `account` key to each remote in your `leafnodes` section, to assign it to an account. Each account value should be a 56 character public key, starting with the letter 'A'",
            ),
            false if !is_there(&remote.account) => {
                let message = format!("cannot find local account {:?} specified in leafnode remote", remote.account);
                findings.obstacle(entry, message);
            }
            _ => {}
        }
    }
    let Some(listener) = &leafnodes.listener else {
        return;
    };
    let users = match &listener.settings.credentials {
        vagus_auth::credentials::Credentials::Users { users, .. } => &users[..],
        _ => &[],
    };
    if config.operators.is_some() {
        if !users.is_empty() {
            findings.obstacle(
                entry,
                "operator mode does not allow specifying users in leafnode config",
            );
        }
        return;
    }
    let of_users = users.iter().filter_map(|user| user.account.as_deref());
    for account in of_users
        .chain([&*listener.account])
        .filter(|name| !is_there(name))
    {
        let message = format!("cannot find local account {account:?} specified in leafnode authorization");
        findings.obstacle(entry, message);
    }
}
