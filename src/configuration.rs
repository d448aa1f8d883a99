//! Where the configuration of this program's server comes from, and what of the program goes by it.

mod write;

use crate::flags::{self, ConfigurationFile};
use crate::logging::RunningLog;
use crate::process::pid_file;
use crate::process::ports_file::{Ports, PortsFile};
use log::error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use vagus::{Config, Prepared, Process, Setup, Source};
use vagus_configs::grammar::{Files as _, Map};
use vagus_configs::{Disk, Loaded};

/// The configuration of a server that was started with these arguments.
pub(crate) fn setup(
    args: Vec<String>,
    file: Option<&ConfigurationFile>,
    tree: Map,
    files: Files,
    log: &RunningLog,
) -> Setup {
    let path = file.map(|file| file.path.clone());
    Setup {
        // Of what it was started with, as far as that is still there.
        text: path.as_ref().and_then(|path| Disk.read(path).ok()),
        tree,
        source: Box::new(CommandLine { args, file: path }),
        process: Box::new(files),
        log: Some(Arc::new(log.clone())),
    }
}

/// Flags, and the file they name.
struct CommandLine {
    args: Vec<String>,
    file: Option<PathBuf>,
}

impl Source for CommandLine {
    fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    fn lay_over(&self, loaded: Loaded) -> Result<(Config, Vec<String>), String> {
        let launch = flags::lay_over(&self.args, loaded).map_err(|error| error.to_string())?;
        Ok((launch.config, launch.warnings))
    }

    fn write(&mut self, text: &str) -> Result<(), String> {
        let path = self.file.as_ref().ok_or("the file: there is none")?;
        write::replace(path, text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// What the process keeps on disk: its log and what it tells others of itself.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    log: RunningLog,
    told: Arc<Mutex<Told>>,
}

/// The ports file, and what it tells.
#[derive(Debug, Default)]
struct Told {
    file: Option<PortsFile>,
    ports: Option<Ports>,
}

impl Files {
    pub(crate) fn new(log: RunningLog) -> Self {
        Self {
            log,
            told: Arc::default(),
        }
    }

    /// Writes the ports file in this folder, if there is to be one. It is a convenience: that it cannot be written is
    /// no reason not to serve.
    pub(crate) fn write_ports_file(&self, folder: Option<&Path>, ports: Ports) {
        let mut told = self.told();
        told.ports = Some(ports);
        told.write(folder);
    }

    /// Removes the ports file, if there is one.
    pub(crate) fn remove_ports_file(&self) {
        self.told().remove();
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn write(&mut self, folder: Option<&Path>) {
        let (Some(folder), Some(ports)) = (folder, &self.ports) else {
            return;
        };
        let path = PortsFile::path_in(folder);
        let shown = path.display().to_string();
        self.file = PortsFile::write(path, ports)
            .map_err(|error| error!("Cannot write the ports file {shown}: {error}"))
            .ok();
    }

    fn remove(&mut self) {
        if let Some(Err(error)) = self.file.take().map(PortsFile::remove) {
            error!("Cannot remove the ports file: {error}");
        }
    }
}

impl Process for Files {
    fn prepare(&mut self, old: &Config, new: &Config) -> Result<Prepared, String> {
        let log = match old.logging == new.logging {
            true => None,
            false => Some(
                self.log
                    .prepare(&new.logging)
                    .map_err(|error| error.to_string())?,
            ),
        };
        let pid_file = new.pid_file.clone().filter(|_| old.pid_file != new.pid_file);
        let moves = old.ports_file_dir != new.ports_file_dir;
        let folder = new.ports_file_dir.clone();
        let (debug, trace) = (new.logging.debug, new.logging.trace);
        let files = self.clone();
        Ok(Box::new(move || {
            if let Some(log) = log {
                log.apply();
            }
            // Whatever was set meanwhile by other ways.
            files.log.set_level(debug, trace);
            if let Some(Err(error)) = pid_file.map(|path| pid_file::write(&path)) {
                error!("Failed to write pidfile: {error}");
            }
            if moves {
                let mut told = files.told();
                told.remove();
                told.write(folder.as_deref());
            }
        }))
    }
}
