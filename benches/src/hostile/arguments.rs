//! The command line of `hostile`.

use crate::arguments::is_wanted;
use crate::error::BenchError;
use crate::server::ServerProgram;

/// What `--help` prints.
pub const USAGE: &str = "\
hostile: attacks on servers that speak NATS, and what they cost others

    hostile --server vagus=target/release/vagus --server nats-server=nats-server

    --server NAME=PROGRAM [ARGUMENTS]
                      a server, in one word for the shell; the first is judged, beside the
                      best of the others; it is started with -c FILE -a ADDRESS -p PORT
    --only GLOB       only attacks whose name matches (* and ?); may be repeated
    --rounds N        how often each server is attacked; the best round of each counts (1)
    --markdown        print the table as Markdown
    --list            say which attacks there are
    --help            this

The exit status is 0 if the first server kept its promises, 1 if not, 2 if nothing could be tried.
";

/// The command line.
#[derive(Debug, Clone, Default)]
pub struct Arguments {
    /// The servers, the one of interest first.
    pub servers: Vec<ServerProgram>,
    /// Patterns for names of attacks; empty for all.
    pub only: Vec<String>,
    /// How often each server is attacked, at least once.
    pub rounds: usize,
    /// Markdown instead of plain text.
    pub markdown: bool,
    /// Only list the attacks.
    pub list: bool,
    /// Only explain.
    pub help: bool,
}

impl Arguments {
    /// From the words after the program's name.
    ///
    /// # Errors
    /// When they are not of the form that [`USAGE`] says.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, BenchError> {
        let mut words = words.into_iter();
        let mut arguments = Self {
            rounds: 1,
            ..Self::default()
        };
        while let Some(word) = words.next() {
            let mut value = || {
                let next = words.next();
                next.ok_or_else(|| BenchError::Usage(format!("{word} wants a value")))
            };
            match word.as_str() {
                "--server" => arguments.servers.push(ServerProgram::parse(&value()?)?),
                "--only" => arguments.only.push(value()?),
                "--rounds" => {
                    let rounds = value()?.parse().ok().filter(|rounds| *rounds > 0);
                    arguments.rounds = rounds
                        .ok_or_else(|| BenchError::Usage("--rounds wants a number from 1".to_owned()))?;
                }
                "--markdown" => arguments.markdown = true,
                "--list" => arguments.list = true,
                "--help" | "-h" => arguments.help = true,
                _ => {
                    return Err(BenchError::Usage(format!(
                        "unknown argument {word:?}; see --help"
                    )));
                }
            }
        }
        if arguments.servers.is_empty() && !arguments.list && !arguments.help {
            return Err(BenchError::Usage("no --server given; see --help".to_owned()));
        }
        Ok(arguments)
    }

    /// Whether an attack is wanted.
    pub fn wants(&self, attack: &str) -> bool {
        is_wanted(&self.only, attack)
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
        let arguments = parse("--server a=./a --server b=./b --only tls* --rounds 2 --markdown").unwrap();
        assert_eq!(arguments.servers.len(), 2);
        assert_eq!((arguments.rounds, arguments.markdown), (2, true));
        assert!(arguments.wants("tls_stuck") && !arguments.wants("pings"));
    }

    #[test]
    fn wrong_command_lines() {
        for line in [
            "--rounds 2",
            "--server",
            "--server a=b --rounds 0",
            "--server a=b --what",
        ] {
            assert!(matches!(parse(line), Err(BenchError::Usage(_))), "{line}");
        }
    }
}
