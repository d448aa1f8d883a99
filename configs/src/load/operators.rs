//! The keys of operators: who signs accounts, and where their tokens are found.

use super::findings::Findings;
use super::tls;
use crate::grammar::{Entry, Files, Kind, Map, Value};
use crate::operators::{DEFAULT_CACHE_LIMIT, DEFAULT_FETCH_TIMEOUT, DEFAULT_SYNC_INTERVAL};
use crate::{Deletion, DirectoryKind, DirectoryResolver, ListenerSettings, Operators, Resolver};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use vagus_auth::credentials::Credentials;
use vagus_auth::nkey::{self, Kind as KeyKind};
use vagus_jwt::{Account, Claims, Operator, User, looks_like_token, undecorated};
use vagus_protocol::duration;
use vagus_tls::Settings;

/// What a file says about operators, until all of it is read.
#[derive(Default)]
pub(super) struct Section<'e> {
    /// The key that names operators.
    operator: Option<&'e Entry>,
    claims: Vec<Claims<Operator>>,
    tokens: Vec<String>,
    files: Vec<PathBuf>,
    trusted: Option<&'e Entry>,
    trusted_keys: Vec<String>,
    /// The key, and what it says if that can be used.
    resolver: Option<(&'e Entry, Option<Resolver>)>,
    resolver_tls: Option<Settings>,
    preload: BTreeMap<String, String>,
    pinned: Option<(&'e Entry, BTreeSet<String>)>,
    default_sentinel: Option<(&'e Entry, String)>,
}

impl<'e> Section<'e> {
    pub(super) fn take(&mut self, key: &str, entry: &'e Entry, findings: &mut Findings) -> bool {
        match key {
            "operator" | "operators" | "roots" | "root" | "root_operators" | "root_operator" => {
                self.operator = Some(entry);
                for text in texts(entry, findings) {
                    self.read_operator(entry, text, findings);
                }
            }
            "trusted" | "trusted_keys" => {
                self.trusted = Some(entry);
                self.trusted_keys = texts(entry, findings).into_iter().map(str::to_owned).collect();
                for key in &self.trusted_keys {
                    if !nkey::is_public(KeyKind::Operator, key) {
                        // Not shown: it may be a private one.
                        findings.problem(entry, "trust key required to be a valid public operator nkey");
                    }
                }
            }
            "resolver" | "account_resolver" | "accounts_resolver" => {
                self.resolver = Some((entry, resolver(entry, findings)));
            }
            "resolver_tls" => self.resolver_tls = tls::section(entry, false, findings),
            "resolver_preload" => self.read_preload(entry, findings),
            "resolver_pinned_accounts" => {
                let names = texts(entry, findings).into_iter().map(str::to_owned);
                self.pinned = Some((entry, names.collect()));
            }
            "default_sentinel" => {
                if let Some(token) = findings.optional_text(entry) {
                    self.default_sentinel = token.map(|token| (entry, token));
                }
            }
            _ => return false,
        }
        true
    }

    fn read_operator(&mut self, entry: &Entry, text: &str, findings: &mut Findings) {
        let text = if looks_like_token(text.as_bytes()) {
            text.to_owned()
        } else {
            let path = PathBuf::from(text);
            self.files.push(path.clone());
            if !findings.reads_certificates {
                return;
            }
            match super::Disk.read(&path) {
                Ok(text) => text,
                Err(error) => {
                    return findings.problem(entry, format!("error parsing operator JWT: {error}"));
                }
            }
        };
        let token = undecorated(&text);
        match Claims::<Operator>::decode(token) {
            Ok(claims) => {
                self.tokens.push(token.to_owned());
                self.claims.push(claims);
            }
            Err(error) => findings.problem(entry, format!("error parsing operator JWT: {error}")),
        }
    }

    fn read_preload(&mut self, entry: &Entry, findings: &mut Findings) {
        let Kind::Map(tokens) = &entry.value.kind else {
            return findings.problem(entry, "preload should be a map of account_public_key:account_jwt");
        };
        self.preload.clear();
        for entry in tokens.entries() {
            let Kind::Text(token) = &entry.value.kind else {
                findings.problem(entry, "preload map value should be a string JWT");
                continue;
            };
            if Claims::<Account>::decode(token).is_err() {
                findings.problem(entry, "invalid account JWT");
                continue;
            }
            self.preload.insert(entry.key.clone(), token.clone());
        }
    }

    /// The name of the system account, as an operator says it.
    pub(super) fn system_account(&self) -> Option<&str> {
        let claims = match &self.claims[..] {
            [only] => only,
            _ => return None,
        };
        let system = claims.nats.system_account.as_str();
        (!system.is_empty()).then_some(system)
    }

    /// Whether accounts are what operators have signed.
    pub(super) fn is_set(&self) -> bool {
        self.operator.is_some() || self.trusted.is_some()
    }

    /// What was said, once the whole file was read. None: accounts are what is configured.
    ///
    /// What nats-server looks at when it starts and not when it checks a file is an obstacle.
    pub(super) fn settle(
        self,
        (system, names_system): (Option<&str>, bool),
        has_accounts: bool,
        clients: &ListenerSettings,
        findings: &mut Findings,
    ) -> Option<Operators> {
        let (entry, is_by_operator) = match (self.operator, self.trusted) {
            (Some(entry), _) => (entry, true),
            (None, Some(entry)) => (entry, false),
            (None, None) => {
                if let Some((entry, _)) = self.default_sentinel {
                    findings.obstacle(entry, "default sentinel requires operators and accounts");
                }
                return None;
            }
        };
        if is_by_operator {
            if has_accounts {
                findings.obstacle(entry, "operators do not allow Accounts to be configured directly");
            }
            if clients.callout.is_some() {
                findings.obstacle(
                    entry,
                    "operators do not allow authorization callouts to be configured directly",
                );
            }
            if matches!(clients.credentials, Credentials::Users { .. }) {
                findings.obstacle(entry, "operators do not allow users to be configured directly");
            }
            if self.trusted.is_some() {
                findings.obstacle(
                    entry,
                    "conflicting options for 'TrustedKeys' and 'TrustedOperators'",
                );
            }
            self.check_system_account(entry, system, names_system, findings);
            self.check_versions(entry, findings);
        }
        if let Some((entry, token)) = &self.default_sentinel {
            check_sentinel(entry, token, findings);
        }
        let resolver = match self.resolver {
            Some((_, resolver)) => resolver,
            None => self.claims.first().and_then(server_url),
        };
        if resolver.is_none() && is_by_operator {
            findings.obstacle(entry, "operators require an account resolver to be configured");
        }
        if matches!(resolver, Some(Resolver::Url(_))) && !self.preload.is_empty() {
            findings.obstacle(
                entry,
                "resolver preloads only available for writeable resolver types MEM/DIR/CACHE_DIR",
            );
        }
        let pinned = self.pinned.map(|(entry, mut pinned)| {
            for key in &pinned {
                if !nkey::is_public(KeyKind::Account, key) {
                    findings.obstacle(entry, "pinned account key is not a valid public account nkey");
                }
            }
            pinned.extend(system.map(str::to_owned));
            pinned
        });
        Some(Operators {
            claims: self.claims,
            tokens: self.tokens,
            files: self.files,
            trusted_keys: self.trusted_keys,
            resolver: resolver.unwrap_or(Resolver::Memory),
            resolver_tls: self.resolver_tls,
            preload: self.preload,
            pinned,
            default_sentinel: self.default_sentinel.map(|(_, token)| token),
        })
    }

    fn check_system_account(
        &self,
        entry: &Entry,
        system: Option<&str>,
        names_system: bool,
        findings: &mut Findings,
    ) {
        let mut said = self
            .claims
            .iter()
            .map(|claims| &*claims.nats.system_account)
            .filter(|said| !said.is_empty())
            .peekable();
        if said.peek().is_some() && !said.any(|said| Some(said) == system) {
            findings.obstacle(
                entry,
                "system_account in config and operator JWT must be identical",
            );
        }
        let is_kept_in_folder = matches!(&self.resolver, Some((_, Some(Resolver::Directory(_)))));
        if is_kept_in_folder && !names_system {
            findings.obstacle(
                entry,
                "using nats based account resolver - the system account needs to be specified in configuration \
                 or the operator jwt",
            );
        }
    }

    /// Whether an operator asks for a server that understands more than this one.
    fn check_versions(&self, entry: &Entry, findings: &mut Findings) {
        for claims in &self.claims {
            match claims.nats.oldest_server() {
                Ok(Some(oldest)) if oldest > UNDERSTOOD => {
                    let message = format!("operator {} expects a newer server", claims.subject);
                    findings.obstacle(entry, message);
                }
                Ok(_) => {}
                Err(error) => findings.obstacle(entry, error),
            }
        }
    }
}

/// The version of nats-server whose claims are understood.
const UNDERSTOOD: [u32; 3] = [2, 14, u32::MAX];

/// Where the operator says that tokens are found, as nsc puts them there.
fn server_url(claims: &Claims<Operator>) -> Option<Resolver> {
    let url = &claims.nats.account_server_url;
    url.contains("://")
        .then(|| Resolver::Url(format!("{url}/accounts/")))
}

/// One text or several.
fn texts<'e>(entry: &'e Entry, findings: &mut Findings) -> Vec<&'e str> {
    let values = match &entry.value.kind {
        Kind::Array(values) => values.as_slice(),
        _ => std::slice::from_ref(&entry.value),
    };
    let mut texts = Vec::with_capacity(values.len());
    for Value { kind, .. } in values {
        match kind {
            Kind::Text(text) => texts.push(text.as_str()),
            other => {
                let message = format!("{} must be text, not {}", entry.key, other.name());
                findings.problem(entry, message);
            }
        }
    }
    texts
}

fn check_sentinel(entry: &Entry, token: &str, findings: &mut Findings) {
    let Ok(user) = Claims::<User>::decode(token) else {
        return findings.obstacle(entry, "default sentinel JWT not valid");
    };
    let may_be_scoped = !user.nats.issuer_account.is_empty() && user.nats.limits.is_empty();
    if !user.nats.limits.bearer && !may_be_scoped {
        findings.obstacle(entry, "default sentinel must be a bearer token");
    }
}

const NO_RESOLVER: &str = "error parsing account resolver, should be MEM or  URL(\"url\") or a map containing dir and \
                           type state=[FULL|CACHE])";

fn resolver(entry: &Entry, findings: &mut Findings) -> Option<Resolver> {
    match &entry.value.kind {
        Kind::Text(text) => by_text(entry, text, findings),
        Kind::Map(map) => by_map(entry, map, findings),
        other => {
            let message = format!("error parsing operator resolver, wrong type {}", other.name());
            findings.refuse(entry, message)
        }
    }
}

fn by_text(entry: &Entry, text: &str, findings: &mut Findings) -> Option<Resolver> {
    let upper = text.to_ascii_uppercase();
    if upper.contains("MEM") {
        return Some(Resolver::Memory);
    }
    let Some(start) = upper.find("URL(") else {
        return findings.refuse(entry, NO_RESOLVER.to_owned());
    };
    let inner = text.get(start + 4..).and_then(|rest| rest.split(')').next());
    let url = inner.unwrap_or_default().trim().trim_matches('"').trim();
    let is_url = ["http://", "https://"].iter().any(|scheme| {
        url.to_ascii_lowercase()
            .strip_prefix(scheme)
            .is_some_and(|host| !host.is_empty())
    });
    if !is_url {
        return findings.refuse(entry, "error parsing account resolver url".to_owned());
    }
    let slash = if url.ends_with('/') { "" } else { "/" };
    Some(Resolver::Url(format!("{url}{slash}")))
}

/// What the map of a resolver says.
#[derive(Default)]
struct Said {
    kind: String,
    path: PathBuf,
    limit: i64,
    allow_delete: Option<bool>,
    hard_delete: Option<bool>,
    ttl: Option<Duration>,
    interval: Option<Duration>,
    timeout: Option<Duration>,
}

fn by_map(entry: &Entry, map: &Map, findings: &mut Findings) -> Option<Resolver> {
    let mut said = Said::default();
    for entry in map.entries() {
        match entry.key.to_lowercase().as_str() {
            "dir" => said.path = findings.text(entry).map(PathBuf::from).unwrap_or_default(),
            "type" => said.kind = findings.text(entry).unwrap_or_default().to_ascii_uppercase(),
            "allow_delete" => said.allow_delete = findings.boolean(entry),
            "hard_delete" => said.hard_delete = findings.boolean(entry),
            "limit" => said.limit = findings.integer(entry).unwrap_or_default(),
            "ttl" => said.ttl = time(entry, findings),
            "interval" => said.interval = time(entry, findings),
            "timeout" => said.timeout = time(entry, findings),
            // As in nats-server, others say nothing.
            _ => findings.note(Some(entry), format!("{} changes nothing", entry.key)),
        }
    }
    if said.timeout == Some(Duration::ZERO) {
        findings.problem(entry, "Fetch timeout 0s is too smal");
    }
    let kind = match said.kind.as_str() {
        "MEM" | "MEMORY" => return Some(Resolver::Memory),
        "FULL" => full(entry, &said, findings),
        "CACHE" => cache(entry, &said, findings),
        _ => return findings.refuse(entry, NO_RESOLVER.to_owned()),
    };
    check_folder(entry, &said.path, findings);
    let limit = usize::try_from(said.limit).ok().filter(|limit| *limit > 0);
    let limit = match kind {
        DirectoryKind::Full { .. } => limit,
        DirectoryKind::Cache { .. } => limit.or(Some(DEFAULT_CACHE_LIMIT)),
    };
    Some(Resolver::Directory(DirectoryResolver {
        path: said.path,
        kind,
        limit,
        timeout: said.timeout.unwrap_or(DEFAULT_FETCH_TIMEOUT),
    }))
}

fn time(entry: &Entry, findings: &mut Findings) -> Option<Duration> {
    let nanoseconds = match &entry.value.kind {
        Kind::Text(text) => duration::parse(text),
        _ => None,
    };
    match nanoseconds.map(u64::try_from) {
        Some(Ok(nanoseconds)) => Some(Duration::from_nanos(nanoseconds)),
        _ => findings.refuse(entry, format!("{} must be a duration such as \"2m\"", entry.key)),
    }
}

fn full(entry: &Entry, said: &Said, findings: &mut Findings) -> DirectoryKind {
    if said.ttl.is_some_and(|ttl| ttl > Duration::ZERO) {
        findings.problem(entry, "FULL does not accept ttl");
    }
    let allows = said.allow_delete == Some(true);
    if said.hard_delete.is_some() && !allows {
        findings.problem(entry, "hard_delete has no effect without delete");
    }
    DirectoryKind::Full {
        interval: said
            .interval
            .filter(|interval| *interval > Duration::ZERO)
            .unwrap_or(DEFAULT_SYNC_INTERVAL),
        deletion: match (allows, said.hard_delete) {
            (false, _) => Deletion::Refused,
            (true, Some(true)) => Deletion::Final,
            (true, _) => Deletion::Renamed,
        },
    }
}

fn cache(entry: &Entry, said: &Said, findings: &mut Findings) -> DirectoryKind {
    if said.interval.is_some_and(|interval| interval > Duration::ZERO) {
        findings.problem(entry, "CACHE does not accept sync");
    }
    if said.allow_delete == Some(true) {
        findings.problem(entry, "CACHE does not accept allow_delete");
    }
    if said.hard_delete.is_some() {
        findings.problem(entry, "CACHE does not accept hard_delete");
    }
    DirectoryKind::Cache {
        ttl: said.ttl.filter(|ttl| *ttl > Duration::ZERO),
    }
}

fn check_folder(entry: &Entry, path: &Path, findings: &mut Findings) {
    if path.as_os_str().is_empty() {
        findings.problem(entry, "dir has no value and needs to point to a directory");
    } else if findings.reads_certificates && path.exists() && !path.is_dir() {
        findings.problem(entry, "dir needs to point to an accessible directory");
    }
}
