//! What somebody wants a server to be set to.

use super::ReloadError;
use super::reach::{Confines, Reach};
use super::version::{EarlierVersion, Remembered, Version};
use crate::impact::ReloadImpact;
use actix::prelude::*;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;
use vagus_configs::document::{Patch, edit, restore};
use vagus_configs::grammar::{self, Files, Map};
use vagus_configs::{Change, Config, ConfigError, Disk, Loaded, skim, understand};

/// Where the configuration of a server comes from.
pub trait Source: Send + 'static {
    /// The file, if it was started with one.
    fn file(&self) -> Option<&Path>;

    /// Lays over what a file says what does not come from it: flags. Gives what the operator should know, too.
    ///
    /// # Errors
    /// Why no server can be set so.
    fn lay_over(&self, loaded: Loaded) -> Result<(Config, Vec<String>), String>;

    /// Writes the file anew, whole or not at all.
    ///
    /// # Errors
    /// Why it was not written.
    fn write(&mut self, text: &str) -> Result<(), String>;
}

/// Proposes to set the server otherwise. It is followed as a whole, or nothing changes.
#[derive(Debug, Message)]
#[rtype(result = "Result<Outcome, ReloadError>")]
pub struct Propose {
    /// What.
    pub content: Content,
    /// Who: for the log and the history.
    pub by: String,
    /// The [tags](Version::tag) of the versions that this is made for; any if none is given.
    pub expected: Vec<String>,
    /// Whether only to say what would come of it.
    pub dry_run: bool,
    /// What it may refer to, where it says something new.
    pub reach: Reach,
    /// How long it is to last.
    pub keep: Keep,
}

/// How the server is to be set.
#[derive(Debug)]
pub enum Content {
    /// As its file says by now.
    File,
    /// As this text says, in place of that of the file. Masks in it stand for the secrets that there are.
    Text(String),
    /// As it is, but for these keys.
    Keys(Patch),
    /// As it was.
    Version(u64),
    /// As the program says that the server is part of.
    Config(Box<Config>),
}

/// How long a configuration is to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Until the file is read again.
    Memory,
    /// It is written to the file.
    File,
}

/// What came, or would come, of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What holds now.
    pub version: u64,
    /// Its [tag](Version::tag).
    pub tag: String,
    /// What became, or would become, otherwise.
    pub changes: Vec<Change>,
    /// What the operator should know.
    pub warnings: Vec<String>,
    /// What would become of connections, if it was asked.
    pub impact: Option<ReloadImpact>,
    /// Whether the file says the same.
    pub is_of_file: bool,
}

/// A proposal, understood.
pub(super) struct Candidate {
    pub(super) config: Config,
    tree: Map,
    text: Option<Arc<str>>,
    pub(super) digest: String,
    pub(super) warnings: Vec<String>,
    is_of_program: bool,
    pub(super) is_of_file: bool,
    pub(super) to_be_written: Option<String>,
}

impl Candidate {
    pub(super) fn of(
        propose: &Propose,
        source: &dyn Source,
        current: &Version,
        earlier: &VecDeque<Arc<EarlierVersion>>,
    ) -> Result<Self, ReloadError> {
        let writes = propose.keep == Keep::File;
        if writes && source.file().is_none() {
            return Err(ReloadError::NoFile);
        }
        let confines = match propose.reach {
            Reach::Machine => None,
            Reach::Folder => Some(Confines::of(source, &current.config)),
        };
        let afar = Reader {
            source,
            confines: confines.as_ref(),
        };
        // What was in force before may be so again.
        let here = Reader {
            source,
            confines: None,
        };
        match &propose.content {
            Content::File => {
                let text = afar.read()?;
                let tree = afar.parse(&text)?;
                // What it names is the operator's to name.
                afar.understand(tree, Some(text), true)
            }
            Content::Text(text) => Self::of_text(&afar, current, text, writes),
            Content::Keys(patch) if writes => Self::of_edit(&afar, current, patch),
            Content::Keys(patch) => {
                let tree = unmasked(patch.applied_to(&current.tree), &current.tree)?;
                afar.admit(tree, None, false)
            }
            Content::Config(config) => Ok(Self::of_program(config, current)),
            Content::Version(number) => {
                let known = earlier.iter().find(|version| version.number == *number);
                let version = known.ok_or(ReloadError::UnknownVersion(*number))?;
                Self::of_version(&here, current, version, writes)
            }
        }
    }

    /// As the program says, which has no tree.
    fn of_program(config: &Config, current: &Version) -> Self {
        Self {
            config: config.clone(),
            tree: current.tree.clone(),
            text: None,
            digest: config.digest.clone(),
            warnings: Vec::new(),
            is_of_program: true,
            is_of_file: false,
            to_be_written: None,
        }
    }

    fn of_text(
        reader: &Reader<'_>,
        current: &Version,
        text: &str,
        writes: bool,
    ) -> Result<Self, ReloadError> {
        let tree = reader.parse(text)?;
        let (tree, text) = match restore(&tree, &current.tree)? {
            None => (tree, text.to_owned()),
            // What is kept is the text as it would be without masks.
            Some(tree) => {
                let text = vagus_configs::document::unmask_text(text, &reader.file_name(), &tree, |text| {
                    reader.parse(text).ok()
                });
                (tree, text?)
            }
        };
        let mut candidate = reader.admit(tree, Some(text.clone()), writes)?;
        candidate.to_be_written = writes.then_some(text);
        Ok(candidate)
    }

    /// Single keys, in the text of the file.
    fn of_edit(reader: &Reader<'_>, current: &Version, patch: &Patch) -> Result<Self, ReloadError> {
        let file = reader.file_name();
        let text = reader.read()?;
        let tree = reader.parse(&text)?;
        let held = skim(tree.clone()).map_err(|error| reader.invalid(&error))?;
        if held.digest != current.digest {
            return Err(ReloadError::FileDiffers(file));
        }
        let wanted = unmasked(patch.applied_to(&tree), &tree)?;
        // Masks among the keys that are sent would be written otherwise.
        let patch = patch.with_values_of(&wanted);
        let edited = edit(&text, &file, &tree, &patch, |text| reader.parse(text).ok())?;
        let tree = reader.parse(&edited)?;
        let mut candidate = reader.admit(tree, Some(edited.clone()), true)?;
        candidate.to_be_written = Some(edited);
        Ok(candidate)
    }

    fn of_version(
        reader: &Reader<'_>,
        current: &Version,
        version: &EarlierVersion,
        writes: bool,
    ) -> Result<Self, ReloadError> {
        let mut candidate = match &version.content {
            Remembered::Text(text) => {
                let tree = reader.parse(text)?;
                reader.understand(tree, None, writes)?
            }
            Remembered::Tree(tree) => reader.understand(tree.clone(), None, writes)?,
            Remembered::Config(config) => Self::of_program(config, current),
        };
        candidate.text.clone_from(&version.text);
        candidate.digest.clone_from(&version.digest);
        if writes {
            let differs = || ReloadError::FileDiffers(format!("the text of version {}", version.number));
            let text = version.text.as_deref().ok_or_else(differs)?;
            // Files that it includes may say something else by now, which is not to be told.
            let tree = reader.parse(text).map_err(|_| differs())?;
            let said = reader.understand(tree, None, true).map_err(|_| differs())?;
            if said.digest != version.digest {
                return Err(differs());
            }
            candidate.to_be_written = Some(text.to_owned());
        } else if let Some(file) = reader.source.file() {
            let said = Disk.read(file).ok().and_then(|text| reader.parse(&text).ok());
            let digest = said.and_then(|tree| skim(tree).ok()).map(|loaded| loaded.digest);
            candidate.is_of_file = digest.as_ref() == Some(&version.digest);
        }
        Ok(candidate)
    }

    pub(super) fn into_version(self, number: u64, _: &Propose) -> Version {
        Version {
            number,
            config: self.config,
            tree: self.tree,
            text: self.text,
            digest: self.digest,
            is_of_file: self.is_of_file,
            is_of_program: self.is_of_program,
            since: SystemTime::now(),
        }
    }
}

fn unmasked(new: Map, old: &Map) -> Result<Map, ReloadError> {
    Ok(restore(&new, old)?.unwrap_or(new))
}

/// Reads texts and what they hold, as far as the proposer may have it read.
struct Reader<'r> {
    source: &'r dyn Source,
    /// None where nothing is out of reach.
    confines: Option<&'r Confines>,
}

impl Reader<'_> {
    fn file_name(&self) -> String {
        self.source.file().map_or_else(
            || "request".to_owned(),
            |file| file.to_string_lossy().into_owned(),
        )
    }

    /// The text of the file.
    fn read(&self) -> Result<String, ReloadError> {
        let file = self.source.file().ok_or(ReloadError::NoFile)?;
        Disk.read(file).map_err(|error| {
            ReloadError::Invalid(format!(
                "cannot read the configuration file {}: {error}",
                file.display()
            ))
        })
    }

    /// Reads a text as that of the file: included files are looked for where the file is.
    fn parse(&self, text: &str) -> Result<Map, ReloadError> {
        let name = self.file_name();
        let name = Path::new(&name);
        let tree = match self.confines {
            None => grammar::parse(text, name, &Disk, &|name: &str| std::env::var(name).ok()),
            Some(confines) => grammar::parse(text, name, confines, confines),
        };
        tree.map_err(|error| {
            ReloadError::Invalid(match self.confines {
                None => error.to_string(),
                Some(confines) => confines.tell_syntax(&error),
            })
        })
    }

    fn invalid(&self, error: &ConfigError) -> ReloadError {
        ReloadError::Invalid(match self.confines {
            None => error.to_string(),
            Some(confines) => confines.tell(error),
        })
    }

    /// What somebody says anew, who may not name everything.
    fn admit(&self, tree: Map, text: Option<String>, is_of_file: bool) -> Result<Candidate, ReloadError> {
        if let Some(confines) = self.confines {
            let skimmed = skim(tree.clone()).map_err(|error| self.invalid(&error))?;
            confines.check(&skimmed.config)?;
        }
        self.understand(tree, text, is_of_file)
    }

    fn understand(
        &self,
        tree: Map,
        text: Option<String>,
        is_of_file: bool,
    ) -> Result<Candidate, ReloadError> {
        let mut loaded = understand(tree.clone()).map_err(|error| self.invalid(&error))?;
        if let Some(confines) = self.confines {
            confines.quieten(&mut loaded);
        }
        let digest = loaded.digest.clone();
        let (mut config, warnings) = self.source.lay_over(loaded).map_err(ReloadError::Invalid)?;
        config.digest.clone_from(&digest);
        Ok(Candidate {
            config,
            tree,
            text: text.map(Into::into),
            digest,
            warnings,
            is_of_program: false,
            is_of_file,
            to_be_written: None,
        })
    }
}
