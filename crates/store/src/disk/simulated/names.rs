//! The names of the simulated disk's files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files by path; None is a folder.
pub(super) type Names = BTreeMap<PathBuf, Option<usize>>;

/// What was done to the names of files.
#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Set(PathBuf, Option<usize>),
    Removed(PathBuf),
    Renamed(PathBuf, PathBuf),
}

impl NameChange {
    pub(super) fn apply(&self, names: &mut Names) {
        match self {
            Self::Set(path, file) => {
                names.insert(path.clone(), *file);
            }
            Self::Removed(path) => {
                names.retain(|name, _| !name.starts_with(path));
            }
            Self::Renamed(from, to) => {
                let moved: Vec<PathBuf> = names
                    .keys()
                    .filter(|name| name.starts_with(from))
                    .cloned()
                    .collect();
                for name in moved {
                    if let (Some(file), Ok(rest)) = (names.remove(&name), name.strip_prefix(from)) {
                        let name = if rest.as_os_str().is_empty() {
                            to.clone()
                        } else {
                            to.join(rest)
                        };
                        names.insert(name, file);
                    }
                }
            }
        }
    }

    /// What it is if a later change was made before it; None if nothing is left to be changed then.
    pub(super) fn behind(self, later: &Self) -> Option<Self> {
        let moved = |path: PathBuf| match later {
            Self::Set(..) => Some(path),
            Self::Removed(gone) => (!path.starts_with(gone)).then_some(path),
            Self::Renamed(from, to) => match path.strip_prefix(from) {
                Ok(rest) if rest.as_os_str().is_empty() => None,
                Ok(rest) => Some(to.join(rest)),
                Err(_) => Some(path),
            },
        };
        match self {
            Self::Set(path, file) => Some(Self::Set(moved(path)?, file)),
            Self::Removed(path) => Some(Self::Removed(moved(path)?)),
            Self::Renamed(from, to) => Some(Self::Renamed(moved(from)?, moved(to)?)),
        }
    }

    /// Whether it is one of the names in a folder.
    pub(super) fn is_in(&self, folder: &Path) -> bool {
        match self {
            Self::Set(path, _) | Self::Removed(path) => path.parent() == Some(folder),
            Self::Renamed(from, to) => from.parent() == Some(folder) || to.parent() == Some(folder),
        }
    }
}
