//! The command lines of `compare` and `hostile`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser};
use glob::Pattern;

use crate::error::BenchError;
use crate::measurement::Timing;
use crate::server::ServerProgram;

/// The shortest measurement, in seconds.
const SHORTEST: f64 = 0.01;

/// Servers that speak NATS, side by side. The first is compared with the best of the others.
#[derive(Debug, Clone, Parser)]
#[command(name = "compare")]
pub struct Comparison {
    /// What is run, and where.
    #[command(flatten)]
    pub selection: Selection,
    /// Rounds, each with every server in random order.
    #[arg(long, value_name = "N", default_value = "3")]
    pub rounds: NonZeroUsize,
    /// Length of the measured window.
    #[arg(long, value_name = "S", default_value = "1.5", value_parser = seconds)]
    pub seconds: Duration,
    /// Time before the window.
    #[arg(long, value_name = "S", default_value = "0.5", value_parser = seconds)]
    pub warm_up: Duration,
    /// For the order of the servers; the time if there is none.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Write everything measured to this file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Attacks on servers that speak NATS, and what they cost others. The first server is judged, beside the best of the
/// others.
///
/// The exit status is 0 if it kept its promises, 1 if not, 2 if nothing could be tried.
#[derive(Debug, Clone, Parser)]
#[command(name = "hostile")]
pub struct Siege {
    /// What is run, and where.
    #[command(flatten)]
    pub selection: Selection,
    /// How often each server is attacked; the best round of each counts.
    #[arg(long, value_name = "N", default_value = "1")]
    pub rounds: NonZeroUsize,
}

/// What is run, on which servers, and how it is shown.
#[derive(Debug, Clone, Args)]
pub struct Selection {
    /// A server, in one word for the shell: the address and the port follow its arguments.
    #[arg(
        long = "server",
        value_name = "NAME=PROGRAM [ARGUMENTS]",
        required_unless_present = "list",
        value_parser = ServerProgram::parse
    )]
    pub servers: Vec<ServerProgram>,
    /// Only what has a name that matches (* and ?); may be repeated.
    #[arg(long, value_name = "GLOB", value_parser = Pattern::new)]
    pub only: Vec<Pattern>,
    /// Print the table as Markdown.
    #[arg(long)]
    pub markdown: bool,
    /// Say what there is.
    #[arg(long)]
    pub list: bool,
}

impl Selection {
    /// Whether something of this name is wanted.
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|pattern| pattern.matches(name))
    }

    /// # Errors
    /// When two servers could not be told apart.
    pub fn check(&self) -> Result<(), BenchError> {
        let names: std::collections::HashSet<_> = self.servers.iter().map(|server| &server.name).collect();
        if names.len() < self.servers.len() {
            return Err(BenchError::Usage("two servers have the same name".to_owned()));
        }
        Ok(())
    }
}

impl Comparison {
    /// How long each run takes.
    pub fn timing(&self) -> Timing {
        Timing {
            warm_up: self.warm_up,
            window: self.seconds,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds >= SHORTEST);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("at least {SHORTEST} seconds are wanted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(line: &str) -> Result<Comparison, clap::Error> {
        Comparison::try_parse_from(["compare"].into_iter().chain(line.split_whitespace()))
    }

    #[test]
    fn a_whole_command_line() {
        let line = "--server a=./a --server=b=./b --only 1to1* --rounds 2 --seconds 0.5 --markdown";
        let Comparison {
            selection, rounds, ..
        } = comparison(line).unwrap();
        let names: Vec<_> = selection.servers.iter().map(|server| &*server.name).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!((rounds.get(), selection.markdown), (2, true));
        let timing = comparison(line).unwrap().timing();
        assert_eq!(
            [timing.warm_up, timing.window],
            [Duration::from_millis(500), Duration::from_millis(500)]
        );
        assert!(selection.wants("1to1_128") && !selection.wants("64to64_128"));
        assert!(selection.check().is_ok());
        assert!(comparison("--list").unwrap().selection.wants("anything"));
        let siege = Siege::try_parse_from(["hostile", "--server", "a=b --threads 1"]).unwrap();
        assert_eq!(siege.selection.servers[0].arguments, ["--threads", "1"]);
    }

    #[test]
    fn wrong_command_lines() {
        for line in [
            "",
            "--rounds 2",
            "--server",
            "--server a",
            "--server a=b --rounds x",
            "--server a=b --rounds 0",
            "--server a=b --what",
            "--server a=b --seconds 0",
            "--server a=b --seconds=-1",
            "--server a=b --seconds NaN",
        ] {
            assert!(comparison(line).is_err(), "{line}");
        }
        let twice = comparison("--server a=b --server a=c").unwrap();
        assert!(matches!(twice.selection.check(), Err(BenchError::Usage(_))));
    }

    #[test]
    fn the_declaration_is_sound() {
        use clap::CommandFactory;
        Comparison::command().debug_assert();
        Siege::command().debug_assert();
    }
}
