//! What a proposal may refer to.
//!
//! Who may set a server from afar is not to read or write what its machine has besides. Files that such a proposal
//! names have to be in the folder of the configuration, or named already by the file that the operator wrote; of the
//! variables of the environment there are those that this file refers to. What an included file holds is not told, not
//! even by an error.

use super::ReloadError;
use super::proposal::Source;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use vagus_configs::grammar::{self, Environment, Files, Place, SyntaxError};
use vagus_configs::{Config, ConfigError, Disk, Loaded, skim};

/// What a proposal may refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Everything that the process may: it comes from who runs it.
    Machine,
    /// What is in the folder of the configuration, or named by its file.
    Folder,
}

/// The bounds of [`Reach::Folder`].
pub(super) struct Confines {
    /// What the texts of proposals are called in places.
    main: String,
    folder: Option<PathBuf>,
    /// Files outside of the folder that may be named, without links in their paths.
    known: BTreeSet<PathBuf>,
    /// Those that hold configuration: nothing else is written to them.
    sources: BTreeSet<PathBuf>,
    variables: BTreeSet<String>,
    /// Whether clients can get in as the server is set now.
    is_open: bool,
}

impl Confines {
    /// Those of a server whose file is that of `source`, and which is set to `current`.
    pub(super) fn of(source: &dyn Source, current: &Config) -> Self {
        let file = source.file();
        let folder = file
            .and_then(real)
            .and_then(|file| Some(file.parent()?.to_owned()));
        let mut confines = Self {
            main: file.map_or_else(
                || "request".to_owned(),
                |file| file.to_string_lossy().into_owned(),
            ),
            folder,
            known: BTreeSet::new(),
            sources: BTreeSet::new(),
            variables: BTreeSet::new(),
            is_open: current.locks_out().is_none(),
        };
        confines.know(current);
        if let Some(file) = file {
            confines.look_into(file);
        }
        confines
    }

    fn know(&mut self, config: &Config) {
        let files = config.files();
        let all = files.read.into_iter().chain(files.written);
        self.known.extend(all.filter_map(real));
    }

    /// Notes what the file names by now. One that cannot be read names nothing.
    fn look_into(&mut self, file: &Path) {
        self.sources.extend(real(file));
        let Ok(text) = Disk.read(file) else { return };
        let noted = Noted::default();
        let environment = |name: &str| {
            noted.variables.borrow_mut().insert(name.to_owned());
            std::env::var(name).ok()
        };
        let tree = grammar::parse(&text, file, &noted, &environment);
        self.sources.extend(noted.files.take());
        self.variables = noted.variables.take();
        if let Ok(loaded) = tree.map_err(drop).and_then(|tree| skim(tree).map_err(drop)) {
            self.know(&loaded.config);
        }
    }

    fn takes(&self, path: &Path) -> bool {
        let Some(path) = real(path) else { return false };
        let is_inside = self
            .folder
            .as_ref()
            .is_some_and(|folder| path.starts_with(folder));
        is_inside || self.known.contains(&path) || self.sources.contains(&path)
    }

    /// Whether a configuration keeps to them, before anything that it names is looked at.
    pub(super) fn check(&self, config: &Config) -> Result<(), ReloadError> {
        if let Some(reason) = config.locks_out().filter(|_| self.is_open) {
            return Err(ReloadError::Invalid(reason));
        }
        let files = config.files();
        for path in files.read.iter().chain(&files.written) {
            if !self.takes(path) {
                return Err(ReloadError::OutOfReach(path.display().to_string()));
            }
        }
        let inputs: BTreeSet<PathBuf> = files.read.iter().filter_map(|path| real(path)).collect();
        for path in files.written {
            let is_input = |path: PathBuf| self.sources.contains(&path) || inputs.contains(&path);
            if real(path).is_some_and(is_input) {
                return Err(ReloadError::OutOfReach(path.display().to_string()));
            }
        }
        Ok(())
    }

    fn is_of_proposal(&self, place: &Place) -> bool {
        *place.file == *self.main || *place.file == *Place::of_request().file
    }

    /// What is told of an error.
    pub(super) fn tell_syntax(&self, error: &SyntaxError) -> String {
        if self.is_of_proposal(&error.place) {
            return error.to_string();
        }
        log::error!("{error}");
        untold(&error.place)
    }

    /// What is told of errors.
    pub(super) fn tell(&self, error: &ConfigError) -> String {
        let problems = match error {
            ConfigError::Invalid(problems) => problems,
            ConfigError::Syntax(error) => return self.tell_syntax(error),
            ConfigError::Unreadable { .. } => return error.to_string(),
        };
        let mut lines: Vec<String> = Vec::new();
        for problem in problems {
            let line = match self.is_of_proposal(&problem.place) {
                true => problem.to_string(),
                false => {
                    log::error!("{problem}");
                    untold(&problem.place)
                }
            };
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines.join("\n")
    }

    /// Leaves out what is not to be told of what was understood.
    pub(super) fn quieten(&self, loaded: &mut Loaded) {
        loaded.warnings.retain(|warning| {
            warning
                .place
                .as_ref()
                .is_none_or(|place| self.is_of_proposal(place))
        });
        for obstacle in &mut loaded.obstacles {
            if !self.is_of_proposal(&obstacle.place) {
                log::error!("{obstacle}");
                obstacle.message = untold(&obstacle.place);
            }
        }
    }
}

/// An error in a file that is not to be quoted.
fn untold(place: &Place) -> String {
    format!(
        "{}: this included file cannot be used; why is in the log of the server",
        place.file
    )
}

impl Files for Confines {
    fn read(&self, path: &Path) -> io::Result<String> {
        if !self.takes(path) {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "it is not in the folder of the configuration",
            ));
        }
        // Whether it is text or too large says what it is.
        Disk.read(path).map_err(|error| match error.kind() {
            kind @ (io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => kind.into(),
            _ => io::Error::other("it cannot be read"),
        })
    }
}

impl Environment for Confines {
    fn get(&self, name: &str) -> Option<String> {
        self.variables.contains(name).then(|| std::env::var(name).ok())?
    }
}

/// The files that are read.
#[derive(Default)]
struct Noted {
    files: RefCell<BTreeSet<PathBuf>>,
    variables: RefCell<BTreeSet<String>>,
}

impl Files for Noted {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.files.borrow_mut().extend(real(path));
        Disk.read(path)
    }
}

/// A path without links, dots or a beginning elsewhere; the last parts need not be there yet. None if there is no
/// telling where it would be.
fn real(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let mut missing = Vec::new();
    for known in path.ancestors() {
        if let Ok(real) = known.canonicalize() {
            return Some(missing.iter().rev().fold(real, |path, name| path.join(name)));
        }
        if known.symlink_metadata().is_ok() {
            // A link that leads nowhere would be followed when what is missing is made.
            return None;
        }
        // None for dots, which would lead out of what is not there.
        missing.push(known.file_name()?);
    }
    None
}

#[cfg(test)]
mod tests;
