//! How a running server comes to be set otherwise.
//!
//! The role of the Reload is to be the one who decides about it: it knows what the server is set to and what it was
//! set to before, holds a proposal against that, has everything made ready that may fail, and only then has it put in
//! force. What is refused leaves everything as it was. It lives on a thread of its own, so that reading files and
//! compiling users costs traffic nothing.

mod configurator;
mod proposal;
mod reach;
mod version;

pub use configurator::Configurator;
pub use proposal::{Content, Keep, Outcome, Propose, Source};
pub use reach::Reach;
pub use version::{EarlierVersion, Origin, Record, Verdict, Version};

use crate::impact::assess_all;
use crate::lame_duck::{LameDuck, Resettle};
use crate::mailbox::{Observe, end_if_panicking, tell};
use crate::monitor::{ListAssessable, MakeRoom, Monitor, SettingsChanged};
use actix::prelude::*;
use proposal::Candidate;
use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;
use thiserror::Error;
use vagus_configs::document::{NothingToKeep, Uneditable};
use vagus_configs::grammar::Map;
use vagus_configs::{Change, Config, Refusal, diff};

/// How many versions are kept to go back to.
const VERSIONS: usize = 16;

/// How many attempts are remembered.
const RECORDS: usize = 256;

/// What puts a configuration in force, where actors cannot know how.
pub trait Apply: Send + 'static {
    /// Makes everything ready that may fail. Nothing has changed when this returns; what it gives puts `new` in force.
    ///
    /// # Errors
    /// Why `new` cannot be put in force.
    fn prepare(&mut self, old: &Config, new: &Config) -> Result<Prepared, String>;

    /// What sessions would be told of `new`, for them to say what would become of them.
    ///
    /// # Errors
    /// Why `new` cannot be put in force.
    fn preview(&mut self, new: &Config) -> Result<Arc<dyn Any + Send + Sync>, String>;
}

/// Everything that may fail is done: what is left to do cannot.
pub type Prepared = Box<dyn FnOnce() + Send>;

/// A proposal that was not followed. Nothing has changed. Never shows secrets.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReloadError {
    /// There is no file to be read.
    #[error("can only reload config when a file is provided using -c or --config")]
    NoFile,
    /// The text is no configuration of a server; each mistake is a line.
    #[error("{0}")]
    Invalid(String),
    /// Settings that cannot change while the server runs.
    #[error("{}", lines(.0))]
    Refused(Vec<Refusal>),
    /// A file that the proposer may not name.
    #[error(
        "{0}: from afar only files can be named that are in the folder of the configuration or named by its file, and none is written that is read"
    )]
    OutOfReach(String),
    /// Something that it needs is not to be had: a certificate, a log file.
    #[error("{0}")]
    Unavailable(String),
    /// As many proposals wait as may.
    #[error("too many changes of the configuration wait already")]
    Busy,
    /// Somebody else changed the configuration since.
    #[error("the configuration is {current} by now, not {expected}")]
    Outdated {
        /// What the proposal was made for.
        expected: String,
        /// What holds.
        current: String,
    },
    /// There is no such version to go back to.
    #[error("there is no version {0} to go back to")]
    UnknownVersion(u64),
    /// A mask stands for nothing.
    #[error(transparent)]
    Mask(#[from] NothingToKeep),
    /// The file cannot be changed for single keys.
    #[error(transparent)]
    Uneditable(#[from] Uneditable),
    /// The file says something else than what holds, so that a change of single keys would bring in more than that.
    #[error("{0} differs from what holds: reload it first, or send all of it")]
    FileDiffers(String),
    /// The file cannot be written.
    #[error("cannot write {0}")]
    Unwritten(String),
}

fn lines(refusals: &[Refusal]) -> String {
    let lines: Vec<String> = refusals.iter().map(Refusal::to_string).collect();
    lines.join("\n")
}

/// Decides how a server is set.
pub struct Reload {
    source: Box<dyn Source>,
    apply: Box<dyn Apply>,
    monitor: Addr<Monitor>,
    lame_duck: Addr<LameDuck>,
    /// The newest is what holds; there is always one.
    current: Arc<Version>,
    earlier: VecDeque<Arc<EarlierVersion>>,
    records: VecDeque<Record>,
}

/// What a [`Reload`] shows of itself.
#[derive(Debug, Clone)]
pub struct ReloadState {
    /// What holds.
    pub current: Arc<Version>,
    /// What may be gone back to, the oldest first.
    pub earlier: Vec<Arc<EarlierVersion>>,
    /// What was tried, the oldest first.
    pub records: Vec<Record>,
    /// The file that the server was started with.
    pub file: Option<std::path::PathBuf>,
}

impl Reload {
    /// The server has been started with `config`, where the ports are those that it listens on; its file holds `tree`,
    /// and this is its text.
    pub fn new(
        config: Config,
        (tree, text): (Map, Option<String>),
        source: Box<dyn Source>,
        apply: Box<dyn Apply>,
        monitor: Addr<Monitor>,
        lame_duck: Addr<LameDuck>,
    ) -> Self {
        let first = Version::first(config, tree, text, source.file().is_some());
        Self {
            records: VecDeque::from([Record::of_start(&first)]),
            current: Arc::new(first),
            earlier: VecDeque::new(),
            source,
            apply,
            monitor,
            lame_duck,
        }
    }

    /// What a proposal comes to, before it is put in force.
    fn consider(&self, propose: &Propose) -> Result<(Candidate, Vec<Change>), ReloadError> {
        let tag = self.current.tag();
        if !propose.expected.is_empty() && !propose.expected.contains(&tag) {
            return Err(ReloadError::Outdated {
                expected: propose.expected.join(", "),
                current: tag,
            });
        }
        let mut candidate = Candidate::of(propose, &*self.source, &self.current, &self.earlier)?;
        candidate.config.keep_free_ports(&self.current.config);
        let changes = diff(&self.current.config, &candidate.config).map_err(ReloadError::Refused)?;
        Ok((candidate, changes))
    }

    /// Puts a proposal in force, all or nothing.
    fn follow(&mut self, propose: &Propose) -> Result<Outcome, ReloadError> {
        let (candidate, changes) = self.consider(propose)?;
        let prepared = self
            .apply
            .prepare(&self.current.config, &candidate.config)
            .map_err(ReloadError::Unavailable)?;
        if let Some(text) = &candidate.to_be_written {
            self.source.write(text).map_err(ReloadError::Unwritten)?;
        }
        // Several changes may be one in the words of the log.
        let mut lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
        lines.dedup();
        for line in lines {
            log::info!("{line}");
        }
        prepared();
        for warning in &candidate.warnings {
            log::warn!("{warning}");
        }
        if candidate.config.lame_duck != self.current.config.lame_duck {
            tell(&self.lame_duck, Resettle(candidate.config.lame_duck.clone()));
        }
        let outcome = self.advance(propose, candidate, changes);
        Ok(outcome)
    }

    /// What was put in force is what holds.
    fn advance(&mut self, propose: &Propose, candidate: Candidate, changes: Vec<Change>) -> Outcome {
        let warnings = candidate.warnings.clone();
        let is_new = !changes.is_empty() || candidate.digest != self.current.digest;
        if is_new || candidate.is_of_file != self.current.is_of_file {
            let number = self.current.number + u64::from(is_new);
            let next = Arc::new(candidate.into_version(number, propose));
            let before = std::mem::replace(&mut self.current, next);
            if is_new {
                self.earlier.push_back(Arc::new(EarlierVersion::of(&before)));
                if self.earlier.len() > VERSIONS {
                    self.earlier.pop_front();
                }
            }
        }
        Outcome {
            version: self.current.number,
            tag: self.current.tag(),
            changes,
            warnings,
            impact: None,
            is_of_file: self.current.is_of_file,
        }
    }

    fn remember(&mut self, record: Record) {
        record.log();
        self.records.push_back(record);
        if self.records.len() > RECORDS {
            self.records.pop_front();
        }
    }
}

impl Actor for Reload {
    type Context = Context<Self>;
}

impl Drop for Reload {
    fn drop(&mut self) {
        end_if_panicking("The Reload");
    }
}

impl Handler<Propose> for Reload {
    type Result = ResponseActFuture<Self, Result<Outcome, ReloadError>>;

    fn handle(&mut self, propose: Propose, _: &mut Context<Self>) -> Self::Result {
        let now = SystemTime::now();
        if propose.dry_run {
            return match self.consider(&propose) {
                Err(error) => Box::pin(fut::ready(Err(error))),
                Ok((candidate, changes)) => self.assess(candidate, changes),
            };
        }
        let result = self.follow(&propose);
        let verdict = match &result {
            Ok(outcome) => Verdict::Followed {
                version: outcome.version,
                changes: outcome.changes.clone(),
            },
            Err(error) => Verdict::Refused(error.to_string()),
        };
        let max_connections = self.current.config.limits.max_connections;
        let lowered = result.as_ref().is_ok_and(|outcome| {
            let mut keys = outcome.changes.iter().map(|change| change.key);
            keys.any(|key| key == "max_connections")
        });
        self.remember(Record {
            at: now,
            by: propose.by.clone(),
            origin: propose.content.origin(),
            verdict,
        });
        let digest = self.current.digest.clone();
        // In this order: a connection that is closed for another reason is told that one.
        let telling = result.is_ok().then(|| self.monitor.send(SettingsChanged));
        let asking = lowered.then(|| self.monitor.send(MakeRoom { max_connections }));
        let finishing = async move {
            // Once it is said to be done, whatever a client sends meets the new settings.
            if let Some(telling) = telling {
                let _ = telling.await;
            }
            if let Some(asking) = asking
                && let Ok(closed @ 1..) = asking.await
            {
                log::info!("Closed {closed} connections to fall within max_connections");
            }
            if result.is_ok() {
                log::info!("Reloaded server configuration ({digest})");
            }
            result
        };
        Box::pin(finishing.into_actor(self))
    }
}

impl Reload {
    /// What would come of a proposal.
    fn assess(
        &mut self,
        candidate: Candidate,
        changes: Vec<Change>,
    ) -> ResponseActFuture<Self, Result<Outcome, ReloadError>> {
        let preview = match self.apply.preview(&candidate.config) {
            Ok(preview) => preview,
            Err(error) => return Box::pin(fut::ready(Err(ReloadError::Unavailable(error)))),
        };
        let outcome = Outcome {
            version: self.current.number,
            tag: self.current.tag(),
            changes,
            warnings: candidate.warnings,
            impact: None,
            is_of_file: candidate.is_of_file,
        };
        let asking = self.monitor.send(ListAssessable);
        let max_connections = candidate.config.limits.max_connections;
        let finishing = async move {
            let known = asking.await.unwrap_or_default();
            let impact = assess_all(known, preview, max_connections).await;
            Ok(Outcome {
                impact: Some(impact),
                ..outcome
            })
        };
        Box::pin(finishing.into_actor(self))
    }
}

impl Handler<Observe<ReloadState>> for Reload {
    type Result = MessageResult<Observe<ReloadState>>;

    fn handle(&mut self, _: Observe<ReloadState>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(ReloadState {
            current: self.current.clone(),
            earlier: self.earlier.iter().cloned().collect(),
            records: self.records.iter().cloned().collect(),
            file: self.source.file().map(Into::into),
        })
    }
}
