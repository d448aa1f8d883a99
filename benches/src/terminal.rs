//! What the programs say, and how they end.

use std::io::Write;
use std::process::ExitCode;

use crate::error::{BenchError, Doing};

/// Runs a program; 2 says that nothing could be run.
pub fn run(name: &str, program: impl FnOnce() -> Result<ExitCode, BenchError>) -> ExitCode {
    match program() {
        Ok(code) => code,
        Err(error) => {
            progress(&format!("{name}: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Prints what was asked for.
///
/// # Errors
/// When it cannot be written.
pub fn print(text: &str) -> Result<(), BenchError> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .doing(|| "printing".to_owned())
}

/// Says what is being done.
pub fn progress(text: &str) {
    // If nobody listens there is nobody to tell.
    let _written = writeln!(std::io::stderr(), "{text}");
}

/// The names of what there is, each with what it is about.
pub fn listed<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let lines = entries
        .into_iter()
        .map(|(name, about)| format!("{name:18} {about}\n"));
    lines.collect()
}
