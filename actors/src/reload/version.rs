//! What a server was set to, and who tried to change it.

use super::proposal::Content;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;
use vagus_configs::grammar::{self, Environment, Files, Map};
use vagus_configs::{Change, Config, skim};

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
    /// Whether the program said so that the server is a part of: nothing else does.
    pub is_of_program: bool,
    /// When it was put in force.
    pub since: SystemTime,
}

/// A configuration that held before, as far as it is needed to go back to it.
#[derive(Clone)]
pub struct EarlierVersion {
    /// As of [`Version`].
    pub number: u64,
    /// The text of it, where it was one.
    pub text: Option<Arc<str>>,
    /// The hash of what it holds.
    pub digest: String,
    /// When it was put in force.
    pub since: SystemTime,
    pub(super) content: Remembered,
}

/// What an earlier version is made of again.
#[derive(Clone)]
pub(super) enum Remembered {
    /// Its text, which says everything.
    Text(Arc<str>),
    /// What it held: its text has more of files and of the environment, which may say something else by now, or it had none.
    Tree(Map),
    /// What the program said.
    Config(Box<Config>),
}

/// Without the content: that has secrets.
impl std::fmt::Debug for EarlierVersion {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("EarlierVersion")
            .field("number", &self.number)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

impl EarlierVersion {
    /// What is kept of one that has held. There may be a hundred thousand users in each: what it is made of is kept, and that
    /// once where several have it in common.
    pub(super) fn of(version: &Version) -> Self {
        let is_all = |text: &Arc<str>| {
            let tree = grammar::parse(text, Path::new("version"), &Nothing, &Nothing);
            let said = tree.ok().and_then(|tree| skim(tree).ok());
            said.is_some_and(|said| said.digest == version.digest)
        };
        let content = match &version.text {
            _ if version.is_of_program => Remembered::Config(Box::new(version.config.clone())),
            Some(text) if is_all(text) => Remembered::Text(text.clone()),
            _ => Remembered::Tree(version.tree.clone()),
        };
        Self {
            number: version.number,
            text: version.text.clone(),
            digest: version.digest.clone(),
            since: version.since,
            content,
        }
    }

    /// As [`Version::tag`].
    pub fn tag(&self) -> String {
        tag(self.number, &self.digest)
    }
}

/// No files, and no environment.
struct Nothing;

impl Files for Nothing {
    fn read(&self, _: &Path) -> io::Result<String> {
        Err(io::ErrorKind::NotFound.into())
    }
}

impl Environment for Nothing {
    fn get(&self, _: &str) -> Option<String> {
        None
    }
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
            is_of_program: text.is_none(),
            text: text.map(Into::into),
            is_of_file,
            since: SystemTime::now(),
        }
    }

    /// What tells this version from all others, also from those of the server before it was started anew.
    pub fn tag(&self) -> String {
        tag(self.number, &self.digest)
    }
}

fn tag(number: u64, digest: &str) -> String {
    let digest = digest.strip_prefix("sha256:").unwrap_or(digest);
    let short = digest.get(..12).unwrap_or("start");
    format!("{number}-{short}")
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

#[cfg(test)]
mod tests {
    use super::{EarlierVersion, Files, Path, Remembered, Version, grammar, io, skim};
    use std::ptr;

    /// One file.
    struct Included;

    impl Files for Included {
        fn read(&self, path: &Path) -> io::Result<String> {
            assert!(path.ends_with("more.conf"), "{}", path.display());
            Ok("max_payload: 1000\n".to_owned())
        }
    }

    fn version(text: &str) -> Version {
        let environment = |name: &str| (name == "SIZE").then(|| "1000".to_owned());
        let tree = grammar::parse(text, Path::new("test.conf"), &Included, &environment).unwrap();
        let loaded = skim(tree.clone()).unwrap();
        let mut config = loaded.config;
        config.digest = loaded.digest;
        Version::first(config, tree, Some(text.to_owned()), true)
    }

    #[test]
    fn of_what_held_its_text_is_kept_if_that_says_all() {
        let kept = EarlierVersion::of(&version("max_payload: 1000\nport: 4222\n"));
        assert!(matches!(kept.content, Remembered::Text(_)));
        for text in ["include more.conf\n", "max_payload: $SIZE\n"] {
            let version = version(text);
            let kept = EarlierVersion::of(&version);
            let Remembered::Tree(tree) = &kept.content else {
                panic!("{text}: others say a part of it, and may say something else by now");
            };
            assert!(
                ptr::eq(tree.entries(), version.tree.entries()),
                "it is not copied"
            );
            assert_eq!(kept.tag(), version.tag());
        }
    }

    #[test]
    fn what_has_no_text_is_kept_as_it_was() {
        let mut patched = version("max_payload: 1000\n");
        patched.text = None;
        let kept = EarlierVersion::of(&patched);
        assert!(matches!(kept.content, Remembered::Tree(_)));
        patched.is_of_program = true;
        let kept = EarlierVersion::of(&patched);
        let Remembered::Config(config) = kept.content else {
            panic!("there is nothing else of it");
        };
        assert_eq!(config.limits.max_payload, 1000);
    }
}
