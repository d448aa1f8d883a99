//! The log: lines as nats-server writes them, through the `log` crate.

mod file;
mod line;
mod queue;
mod writer;

use file::LogFile;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use line::{Label, LineFormat};
use log::{Level, LevelFilter, Log, Metadata, Record};
use queue::{Lines, Queue};
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use vagus_configs::{LogTime, Logging};
use writer::Output;

/// An error with this target is the last thing the process says: its line has the label FTL.
pub(crate) const FATAL: &str = "vagus::fatal";

/// Bytes of lines that may wait to be written.
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
}

impl RunningLog {
    /// Starts the log; from now on the macros of the `log` crate write to it.
    pub(crate) fn start(logging: &Logging) -> Result<Self, LogError> {
        let zone = match logging.time {
            LogTime::Local => Some(TimeZone::system()),
            LogTime::Utc => Some(TimeZone::UTC),
            LogTime::None => None,
        };
        let format = LineFormat {
            pid: std::process::id(),
            zone,
            coloured: logging.file.is_none() && io::stderr().is_terminal(),
            clock: Timestamp::now,
        };
        let queue = Queue::new(WAITING);
        let output = open(logging, &format, &queue)?;
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn({
                let queue = Arc::clone(&queue);
                let format = format.clone();
                move || writer::run(&queue, output, &format)
            })
            .map_err(LogError::Thread)?;
        install(logging, format, Arc::clone(&queue))?;
        Ok(Self { queue })
    }

    /// Opens the log file anew, for whoever moved it aside.
    pub(crate) fn reopen(&self) {
        self.queue.reopen();
    }

    /// Waits until what was logged is written, unless nobody reads it.
    pub(crate) fn flush(&self) {
        self.queue.flush(STALL, LAST_WORDS);
    }
}

fn open(logging: &Logging, format: &LineFormat, queue: &Queue) -> Result<Output, LogError> {
    let Some(path) = &logging.file else {
        let terminal = io::stderr()
            .as_fd()
            .try_clone_to_owned()
            .map_err(LogError::Terminal)?;
        return Ok(Output::Terminal(File::from(terminal)));
    };
    let limit = u64::try_from(logging.file_size_limit).unwrap_or(u64::MAX);
    let file = LogFile::open(path, limit, format.clone()).map_err(|source| LogError::File {
        path: path.clone(),
        source,
    })?;
    if file.is_too_large() {
        queue.push(&format.line(Label::Info, &format_args!("Rotating logfile...")));
    }
    Ok(Output::File(file))
}

fn install(logging: &Logging, format: LineFormat, queue: Arc<Queue>) -> Result<(), LogError> {
    let level = match (logging.trace, logging.debug) {
        (true, _) => LevelFilter::Trace,
        (false, true) => LevelFilter::Debug,
        (false, false) => LevelFilter::Info,
    };
    let lines = env_logger::Builder::new()
        // Of the libraries we use, only what somebody should look after.
        .filter_level(LevelFilter::Warn)
        .filter_module("vagus", level)
        .target(env_logger::Target::Pipe(Box::new(Lines(queue))))
        .format(move |out, record| {
            let label = Label::of(record.level(), record.target());
            format.write(out, label, record.args())
        })
        .build();
    log::set_boxed_logger(Box::new(Filter {
        lines,
        debug: logging.debug,
    }))?;
    // Below this level a call costs one comparison.
    log::set_max_level(level);
    Ok(())
}

/// Tracing does not include debugging here, as it does in the `log` crate.
struct Filter {
    lines: env_logger::Logger,
    debug: bool,
}

impl Log for Filter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        (metadata.level() != Level::Debug || self.debug) && self.lines.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            self.lines.log(record);
        }
    }

    fn flush(&self) {
        self.lines.flush();
    }
}
