//! The log: lines as nats-server writes them, through the `log` crate.

mod file;
mod json;
mod line;
mod queue;
mod record;
mod syslog;
mod writer;

use file::LogFile;
use jiff::Timestamp;
use line::LineFormat;
use log::{Level, LevelFilter, Log, Metadata, Record};
use queue::{Queue, Records};
use record::Label;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use syslog::Syslog;
use thiserror::Error;
use vagus_configs::Logging;
use writer::{Output, Sink};

/// An error with this target is the last thing the process says: its line has the label FTL.
pub(crate) const FATAL: &str = "vagus::fatal";

/// Bytes of records that may wait to be written.
const WAITING: usize = 1024 * 1024;

/// How long the end of the process waits for a reader of the log who reads nothing.
const STALL: Duration = Duration::from_millis(50);

/// How long the end of the process waits for a reader of the log who reads slowly.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The log cannot be kept.
#[derive(Debug, Error)]
pub(crate) enum LogError {
    #[error("cannot open the log file {path:?}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("cannot connect to the syslog of this machine: {0}")]
    Syslog(io::Error),
    #[error("cannot write to standard error: {0}")]
    Terminal(io::Error),
    #[error("cannot start the thread that writes the log: {0}")]
    Thread(io::Error),
    #[error("there is a log already")]
    Twice(#[from] log::SetLoggerError),
}

/// The log of this process.
#[derive(Debug, Clone)]
pub(crate) struct RunningLog {
    queue: Arc<Queue>,
    levels: Arc<Levels>,
}

/// What of that which the `log` crate lets through is written.
#[derive(Debug, Default)]
struct Levels {
    /// Tracing does not include debugging here, as it does in the `log` crate.
    debug: AtomicBool,
}

impl RunningLog {
    /// Starts the log; from now on the macros of the `log` crate write to it.
    ///
    /// # Errors
    /// When the file or the syslog of this machine cannot be opened, or the system has no thread.
    pub(crate) fn start(logging: &Logging) -> Result<Self, LogError> {
        let log = Self {
            queue: Queue::new(WAITING),
            levels: Arc::default(),
        };
        let sink = log.open(logging)?;
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn({
                let queue = Arc::clone(&log.queue);
                move || writer::run(&queue, sink)
            })
            .map_err(LogError::Thread)?;
        log.install()?;
        log.set_level(logging.debug, logging.trace);
        Ok(log)
    }

    /// Opens what other settings ask for: where lines go, what they look like, and which there are.
    ///
    /// # Errors
    /// When the file or the syslog of this machine cannot be opened: then nothing has changed.
    pub(crate) fn prepare(&self, logging: &Logging) -> Result<NextLog, LogError> {
        Ok(NextLog {
            log: self.clone(),
            sink: self.open(logging)?,
            debug: logging.debug,
            trace: logging.trace,
        })
    }

    /// Writes DBG and TRC lines from now on, or does not. Connections that are open look at it when they are told
    /// that the server's settings have changed.
    pub(crate) fn set_level(&self, debug: bool, trace: bool) {
        self.levels.debug.store(debug, Ordering::Relaxed);
        // Below this level a call costs one comparison.
        log::set_max_level(match (trace, debug) {
            (true, _) => LevelFilter::Trace,
            (false, true) => LevelFilter::Debug,
            (false, false) => LevelFilter::Info,
        });
    }

    /// Opens the log file anew, after it was moved aside.
    pub(crate) fn reopen(&self) {
        self.queue.reopen();
    }

    /// Waits until what was logged is written, unless nobody reads it.
    pub(crate) fn flush(&self) {
        self.queue.flush(STALL, LAST_WORDS);
    }

    /// Where lines are to go. A file goes before a syslog elsewhere, and that before the syslog of this machine.
    fn open(&self, logging: &Logging) -> Result<Sink, LogError> {
        let coloured = logging.file.is_none() && io::stderr().is_terminal();
        let mut format = LineFormat::new(logging, coloured);
        if let Some(path) = &logging.file {
            let file = LogFile::open(path, logging, format.clone()).map_err(|source| LogError::File {
                path: path.clone(),
                source,
            })?;
            if file.is_too_large() {
                self.say(Label::Info, "Rotating logfile...");
            }
            let output = Output::File(file);
            return Ok(Sink { output, format });
        }
        let tag = crate::process::program_name();
        let zone = format.zone.clone();
        let syslog = match &logging.remote_syslog {
            Some(address) => Syslog::remote(address.clone(), tag, zone),
            None if logging.syslog => Syslog::local(tag, zone).map_err(LogError::Syslog)?,
            None => {
                let output = Output::Terminal(terminal()?);
                return Ok(Sink { output, format });
            }
        };
        format.style = syslog::style(format.style);
        let output = Output::Syslog {
            syslog,
            terminal: terminal()?,
        };
        Ok(Sink { output, format })
    }

    fn say(&self, label: Label, text: &str) {
        let mut record = Vec::new();
        // Writing to memory does not fail.
        let _ = record::encode(&mut record, label, Timestamp::now(), &format_args!("{text}"));
        self.queue.push(&record);
    }

    fn install(&self) -> Result<(), LogError> {
        let records = env_logger::Builder::new()
            // Of the libraries we use, only what somebody should look after.
            .filter_level(LevelFilter::Warn)
            .filter_module("vagus", LevelFilter::Trace)
            // What peers of HTTP do wrong they are told; the log is not theirs to fill.
            .filter_module("actix_http", LevelFilter::Off)
            .target(env_logger::Target::Pipe(Box::new(Records(Arc::clone(
                &self.queue,
            )))))
            .format(|out, record| {
                let label = Label::of(record.level(), record.target());
                record::encode(out, label, Timestamp::now(), record.args())
            })
            .build();
        log::set_boxed_logger(Box::new(Filter {
            records,
            log: self.clone(),
        }))?;
        Ok(())
    }
}

/// Other settings of the log, ready to be followed.
#[derive(Debug)]
#[must_use]
pub(crate) struct NextLog {
    log: RunningLog,
    sink: Sink,
    debug: bool,
    trace: bool,
}

impl NextLog {
    /// Follows these settings from now on. What was logged before still goes where it was to go.
    pub(crate) fn apply(self) {
        self.log.queue.switch(self.sink);
        self.log.set_level(self.debug, self.trace);
    }
}

impl vagus::LogControl for RunningLog {
    fn levels(&self) -> vagus::LogLevels {
        vagus::LogLevels {
            debug: self.levels.debug.load(Ordering::Relaxed),
            trace: log::max_level() == LevelFilter::Trace,
        }
    }

    fn set_levels(&self, levels: vagus::LogLevels) {
        self.set_level(levels.debug, levels.trace);
    }
}

/// Standard error, by a descriptor of our own.
fn terminal() -> Result<File, LogError> {
    let terminal = io::stderr()
        .as_fd()
        .try_clone_to_owned()
        .map_err(LogError::Terminal)?;
    Ok(File::from(terminal))
}

/// Between the `log` crate and the queue.
struct Filter {
    records: env_logger::Logger,
    log: RunningLog,
}

impl Log for Filter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        (metadata.level() != Level::Debug || self.log.levels.debug.load(Ordering::Relaxed))
            && self.records.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            self.records.log(record);
        }
    }

    /// Before the process ends in the middle of something.
    fn flush(&self) {
        self.log.flush();
    }
}
