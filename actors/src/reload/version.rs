//! What a server was set to, and who tried to change it.

use super::proposal::Content;
use std::sync::Arc;
use std::time::SystemTime;
use vagus_configs::grammar::Map;
use vagus_configs::{Change, Config};

/// One configuration that held.
#[derive(Clone)]
pub struct Version {
    /// Counted from 1, which is what the server was started with.
    pub number: u64,
    /// Everything that is set, flags included.
    pub config: Config,
    /// What the file, or what was sent in its place, holds.
    pub tree: Map,
    /// The text of it, where it was one.
    pub text: Option<Arc<str>>,
    /// The hash of what it holds.
    pub digest: String,
    /// Whether the file says the same: otherwise it is gone with the process.
    pub is_of_file: bool,
    /// When it was put in force.
    pub since: SystemTime,
}

/// Without the content: that has secrets.
impl std::fmt::Debug for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Version")
            .field("number", &self.number)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

impl Version {
    pub(super) fn first(config: Config, tree: Map, text: Option<String>, is_of_file: bool) -> Self {
        Self {
            number: 1,
            digest: config.digest.clone(),
            config,
            tree,
            text: text.map(Into::into),
            is_of_file,
            since: SystemTime::now(),
        }
    }

    /// What tells this version from all others, also from those of the server before it was started anew.
    pub fn tag(&self) -> String {
        let digest = self.digest.strip_prefix("sha256:").unwrap_or(&self.digest);
        let short = digest.get(..12).unwrap_or("start");
        format!("{}-{short}", self.number)
    }
}

/// Where a proposal came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The server was started.
    Start,
    /// The file was read again.
    File,
    /// A whole text was sent.
    Text,
    /// Single keys were sent.
    Keys,
    /// The program said so that the server is part of.
    Program,
    /// Back to this version.
    Rollback(u64),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start => out.write_str("start"),
            Self::File => out.write_str("file"),
            Self::Text => out.write_str("text"),
            Self::Keys => out.write_str("keys"),
            Self::Program => out.write_str("program"),
            Self::Rollback(version) => write!(out, "rollback to {version}"),
        }
    }
}

/// What a proposal came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was put in force.
    Followed {
        /// As this version.
        version: u64,
        /// What became otherwise.
        changes: Vec<Change>,
    },
    /// It was not, for this reason.
    Refused(String),
}

/// Who tried to set the server otherwise, when, and what it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When.
    pub at: SystemTime,
    /// Who: a login name, or a signal.
    pub by: String,
    /// From where.
    pub origin: Origin,
    /// What it came to.
    pub verdict: Verdict,
}

impl Record {
    pub(super) fn of_start(first: &Version) -> Self {
        Self {
            at: first.since,
            by: "start".to_owned(),
            origin: Origin::Start,
            verdict: Verdict::Followed {
                version: first.number,
                changes: Vec::new(),
            },
        }
    }

    /// The line of the audit log.
    pub(super) fn log(&self) {
        let Self {
            by, origin, verdict, ..
        } = self;
        match verdict {
            Verdict::Followed { version, changes } => {
                let keys: Vec<&str> = changes.iter().map(|change| change.key).collect();
                let keys = if keys.is_empty() {
                    "nothing".to_owned()
                } else {
                    keys.join(", ")
                };
                log::info!("Audit: configuration by {by:?} from {origin}: changed {keys}, version {version}");
            }
            Verdict::Refused(reason) => {
                log::error!(
                    "Failed to reload server configuration: {}",
                    reason.replace('\n', "; ")
                );
                log::warn!("Audit: configuration by {by:?} from {origin}: refused");
            }
        }
    }
}

impl Content {
    pub(super) fn origin(&self) -> Origin {
        match self {
            Self::File => Origin::File,
            Self::Text(_) => Origin::Text,
            Self::Keys(_) => Origin::Keys,
            Self::Version(number) => Origin::Rollback(*number),
            Self::Config(_) => Origin::Program,
        }
    }
}
