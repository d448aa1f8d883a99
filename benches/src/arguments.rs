//! The command line of `compare`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::BenchError;
use crate::measurement::Timing;
use crate::server::ServerProgram;

/// What `--help` prints.
pub const USAGE: &str = "\
compare: servers that speak NATS, side by side

    compare --server vagus=target/release/vagus --server nats-server=nats-server

    --server NAME=PROGRAM [ARGUMENTS]
                      a server to compare, in one word for the shell; the first is compared
                      with the best of the others; it is started with -a ADDRESS -p PORT
    --only GLOB       only scenarios whose name matches (* and ?); may be repeated
    --rounds N        rounds, each with every server in random order (3)
    --seconds S       length of the measured window (1.5)
    --warm-up S       time before the window (0.5)
    --seed N          for the order of the servers (the time)
    --markdown        print the table as Markdown
    --json FILE       write everything measured to FILE
    --list            say which scenarios there are
    --help            this
";

/// The command line.
#[derive(Debug, Clone)]
pub struct Arguments {
    /// The servers, the one of interest first.
    pub servers: Vec<ServerProgram>,
    /// Patterns for names of scenarios; empty for all.
    pub only: Vec<String>,
    /// How often each scenario runs on each server.
    pub rounds: usize,
    /// How long.
    pub timing: Timing,
    /// Seed of the random order.
    pub seed: Option<u64>,
    /// Markdown instead of plain text.
    pub markdown: bool,
    /// Where to write the measurements.
    pub json: Option<PathBuf>,
    /// Only list the scenarios.
    pub list: bool,
    /// Only explain.
    pub help: bool,
}

impl Arguments {
    /// From the words after the program's name.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, BenchError> {
        let mut words = words.into_iter();
        let (mut warm_up, mut window) = (Duration::from_millis(500), Duration::from_millis(1_500));
        let (mut servers, mut only, mut rounds) = (Vec::new(), Vec::new(), 3);
        let (mut seed, mut markdown, mut json, mut list, mut help) = (None, false, None, false, false);
        while let Some(word) = words.next() {
            let (flag, inline) = match word.split_once('=') {
                Some((flag, value)) => (flag.to_owned(), Some(value.to_owned())),
                None => (word, None),
            };
            let mut value = || {
                let next = inline.clone().or_else(|| words.next());
                next.ok_or_else(|| BenchError::Usage(format!("{flag} wants a value")))
            };
            match flag.as_str() {
                "--server" => servers.push(ServerProgram::parse(&value()?)?),
                "--only" => only.push(value()?),
                "--rounds" => rounds = number::<NonZeroUsize>(&flag, &value()?)?.get(),
                "--seconds" => window = seconds(&flag, &value()?)?,
                "--warm-up" => warm_up = seconds(&flag, &value()?)?,
                "--seed" => seed = Some(number(&flag, &value()?)?),
                "--json" => json = Some(PathBuf::from(value()?)),
                "--markdown" => markdown = true,
                "--list" => list = true,
                "--help" | "-h" => help = true,
                _ => {
                    return Err(BenchError::Usage(format!(
                        "unknown argument {flag:?}; see --help"
                    )));
                }
            }
        }
        if servers.is_empty() && !list && !help {
            return Err(BenchError::Usage("no --server given; see --help".to_owned()));
        }
        let names: std::collections::HashSet<_> = servers.iter().map(|server| &server.name).collect();
        if names.len() < servers.len() {
            return Err(BenchError::Usage("two servers have the same name".to_owned()));
        }
        let timing = Timing { warm_up, window };
        Ok(Self {
            servers,
            only,
            rounds,
            timing,
            seed,
            markdown,
            json,
            list,
            help,
        })
    }

    /// Whether a scenario is wanted.
    pub fn wants(&self, scenario: &str) -> bool {
        is_wanted(&self.only, scenario)
    }
}

/// Whether a name matches one of these patterns, if there are any.
pub(crate) fn is_wanted(patterns: &[String], name: &str) -> bool {
    patterns.is_empty()
        || patterns
            .iter()
            .any(|pattern| matches(pattern.as_bytes(), name.as_bytes()))
}

fn number<T: std::str::FromStr>(flag: &str, text: &str) -> Result<T, BenchError> {
    text.parse()
        .map_err(|_| BenchError::Usage(format!("{flag} wants a number, not {text:?}")))
}

fn seconds(flag: &str, text: &str) -> Result<Duration, BenchError> {
    let seconds: f64 = number(flag, text)?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|duration| *duration >= Duration::from_millis(10))
        .ok_or_else(|| BenchError::Usage(format!("{flag} wants at least 0.01 seconds, not {text:?}")))
}

/// Whether `pattern` with `*` and `?` matches all of `text`.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=text.len()).any(|skipped| matches(rest, &text[skipped..])),
        (Some((wanted, pattern)), Some((found, text))) => {
            (*wanted == b'?' || wanted == found) && matches(pattern, text)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, BenchError> {
        Arguments::parse(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn a_whole_command_line() {
        let line = "--server a=./a --server=b=./b --only 1to1* --rounds 2 --seconds 0.5 --markdown";
        let arguments = parse(line).unwrap();
        let names: Vec<_> = arguments
            .servers
            .iter()
            .map(|server| server.name.as_str())
            .collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!((arguments.rounds, arguments.markdown), (2, true));
        assert_eq!(arguments.timing.window, Duration::from_millis(500));
        assert!(arguments.wants("1to1_128") && !arguments.wants("64to64_128"));
    }

    #[test]
    fn wrong_command_lines() {
        for line in [
            "--rounds 2",
            "--server",
            "--server a=b --rounds x",
            "--server a=b --rounds 0",
            "--server a=b --what",
            "--server a=b --server a=c",
        ] {
            assert!(matches!(parse(line), Err(BenchError::Usage(_))), "{line}");
        }
        assert!(parse("--server a=b --seconds -1").is_err());
    }

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("1to1*", "1to1_128", true),
            ("*to*_128", "64to64_128", true),
            ("fan10", "fan100", false),
            ("fan10?", "fan100", true),
            ("*", "", true),
            ("", "x", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }
}
