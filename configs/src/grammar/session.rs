//! What the files of one configuration share, and the bounds on all of it.

use super::error::Fault;
use super::value::Kind;
use super::{Environment, Files, MAX_FILES, MAX_TREE};
use std::path::PathBuf;

/// What a value takes in memory beside its text, rounded up.
pub(super) const VALUE_SIZE: usize = 128;

/// What the files of one configuration share.
pub(super) struct Session<'s> {
    pub(super) files: &'s dyn Files,
    pub(super) environment: &'s dyn Environment,
    /// The files that are being read, the outermost first.
    pub(super) chain: Vec<PathBuf>,
    /// The variables of the environment that are being read, the outermost first.
    pub(super) variables: Vec<String>,
    pub(super) depth: usize,
    pub(super) files_left: usize,
    memory_left: usize,
}

impl<'s> Session<'s> {
    pub(super) fn new(files: &'s dyn Files, environment: &'s dyn Environment) -> Self {
        Self {
            files,
            environment,
            chain: Vec::new(),
            variables: Vec::new(),
            depth: 0,
            files_left: MAX_FILES,
            memory_left: MAX_TREE,
        }
    }

    /// Counts what is about to be kept.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), Fault> {
        self.memory_left = self.memory_left.checked_sub(bytes).ok_or(Fault::TooLarge)?;
        Ok(())
    }

    /// Counts a value with all that is in it.
    pub(super) fn charge_for(&mut self, kind: &Kind) -> Result<(), Fault> {
        self.charge(VALUE_SIZE)?;
        match kind {
            Kind::Text(text) | Kind::Date(text) => self.charge(text.len()),
            Kind::Array(values) => values.iter().try_for_each(|value| self.charge_for(&value.kind)),
            Kind::Map(map) => map.entries().iter().try_for_each(|entry| {
                self.charge(VALUE_SIZE + 2 * entry.key.len())?;
                self.charge_for(&entry.value.kind)
            }),
            Kind::Integer(_) | Kind::Float(_) | Kind::Boolean(_) => Ok(()),
        }
    }
}
