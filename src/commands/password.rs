//! `vagus passwd`.

use super::error::ToolError;
use crate::flags::syntax::{self, Flag, Kind};
use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::ops::RangeInclusive;
use std::os::fd::{AsFd, BorrowedFd};
use vagus_auth::password::{DEFAULT_COST, hash};

pub(super) const HELP: &str = "\
Usage: vagus passwd [options]

Prints a bcrypt hash of a password, to be put in a configuration file or behind --pass. The password is asked for
twice if standard input is a terminal; otherwise it is the first line of standard input.

    -p                       Ask on the terminal, whatever standard input is
        --cost <number>      4 to 31; one more doubles the time that each login takes (11)

Exit status: 0 when done, 1 when it failed, 2 when the arguments are wrong.
";

/// Those of bcrypt.
const COSTS: RangeInclusive<u32> = 4..=31;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    Ask,
    Cost,
}

const FLAGS: &[Flag<Choice>] = &[
    Flag {
        id: Choice::Ask,
        names: &["p"],
        kind: Kind::Bool,
    },
    Flag {
        id: Choice::Cost,
        names: &["c", "cost"],
        kind: Kind::Integer,
    },
];

pub(super) fn run(args: &[String], out: &mut impl Write) -> Result<(), ToolError> {
    let parsed = syntax::parse(FLAGS, args)?;
    if !parsed.rest.is_empty() {
        // A password among the arguments could be seen by everyone on the machine.
        return Err(ToolError::Usage(
            "passwd takes no password as an argument: it asks, or reads standard input".to_owned(),
        ));
    }
    let cost = match parsed.last(Choice::Cost) {
        None => DEFAULT_COST,
        Some(value) => u32::try_from(value.integer())
            .ok()
            .filter(|cost| COSTS.contains(cost))
            .ok_or_else(|| ToolError::Usage("the cost is not between 4 and 31".to_owned()))?,
    };
    let stdin = io::stdin();
    let password = if parsed.is_true(Choice::Ask) || isatty(&stdin) {
        let terminal = File::options()
            .read(true)
            .write(true)
            .open("/dev/tty")
            .map_err(ToolError::Terminal)?;
        ask_twice(&terminal)?
    } else {
        first_line(&mut stdin.lock())?
    };
    if password.is_empty() {
        return Err(ToolError::NoPassword);
    }
    writeln!(out, "{}", hash(&password, cost)?)?;
    Ok(())
}

/// Text up to the end of the line.
fn first_line(input: &mut impl BufRead) -> Result<String, ToolError> {
    let mut line = String::new();
    input.read_line(&mut line).map_err(ToolError::Password)?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}

fn ask_twice(terminal: &File) -> Result<String, ToolError> {
    let silence = Silence::begin(terminal.as_fd()).map_err(ToolError::Terminal)?;
    let mut keys = BufReader::new(terminal).bytes();
    let first = ask(terminal, &mut keys, "Password: ")?;
    let second = ask(terminal, &mut keys, "The same again: ")?;
    drop(silence);
    if first != second {
        return Err(ToolError::PasswordsDiffer);
    }
    Ok(first)
}

fn ask(
    mut terminal: &File,
    keys: &mut impl Iterator<Item = io::Result<u8>>,
    prompt: &str,
) -> Result<String, ToolError> {
    terminal
        .write_all(prompt.as_bytes())
        .map_err(ToolError::Terminal)?;
    let typed = typed_line(keys);
    terminal.write_all(b"\n").map_err(ToolError::Terminal)?;
    typed
}

/// A terminal that shows nothing of what is typed and leaves all keys to us, so that nothing ends the program
/// before the terminal is as it was.
struct Silence<'t> {
    terminal: BorrowedFd<'t>,
    before: Termios,
}

impl<'t> Silence<'t> {
    fn begin(terminal: BorrowedFd<'t>) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_modes &= !(LocalModes::ECHO
            | LocalModes::ECHONL
            | LocalModes::ICANON
            | LocalModes::ISIG
            | LocalModes::IEXTEN);
        tcsetattr(terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}

const INTERRUPT: u8 = 3;
const END_OF_INPUT: u8 = 4;
const BACKSPACE: u8 = 8;
const ERASE_LINE: u8 = 21;
const QUIT: u8 = 28;
const DELETE: u8 = 127;

/// A line as it is typed, key by key.
fn typed_line(keys: &mut impl Iterator<Item = io::Result<u8>>) -> Result<String, ToolError> {
    let mut line = Vec::new();
    loop {
        match keys.next().transpose().map_err(ToolError::Terminal)? {
            None | Some(INTERRUPT | QUIT) => return Err(ToolError::NoPassword),
            Some(b'\r' | b'\n') => break,
            Some(END_OF_INPUT) if line.is_empty() => return Err(ToolError::NoPassword),
            Some(END_OF_INPUT) => break,
            Some(BACKSPACE | DELETE) => {
                // The whole character: what follows its first byte goes with it.
                while line.pop().is_some_and(|byte: u8| byte & 0xc0 == 0x80) {}
            }
            Some(ERASE_LINE) => line.clear(),
            Some(byte) => line.push(byte),
        }
    }
    String::from_utf8(line)
        .map_err(|error| ToolError::Password(io::Error::new(io::ErrorKind::InvalidData, error.utf8_error())))
}

#[cfg(test)]
mod tests {
    use super::{first_line, run, typed_line};
    use crate::commands::error::ToolError;
    use std::io::Cursor;

    #[test]
    fn keys_that_edit_a_line() {
        for (keys, expected) in [
            ("abc\r", Some("abc")),
            ("abc\ndef", Some("abc")),
            ("ab\u{8}c\x7f\x7fx\n", Some("x")),
            ("h\u{e9}\x7fi\n", Some("hi")),
            ("\x7f\x7fa\n", Some("a")),
            ("abc\x15d e\n", Some("d e")),
            ("abc\x04", Some("abc")),
            ("\n", Some("")),
            ("\x04", None),
            ("ab\x03", None),
            ("ab\x1c", None),
            ("ab", None),
        ] {
            let typed = typed_line(&mut keys.bytes().map(Ok)).ok();
            assert_eq!(typed.as_deref(), expected, "{keys:?}");
        }
    }

    #[test]
    fn the_first_line_of_an_input() {
        for (input, expected) in [("a b \n", "a b "), ("a\r\nb\n", "a"), ("a", "a"), ("", "")] {
            assert_eq!(
                first_line(&mut Cursor::new(input)).unwrap(),
                expected,
                "{input:?}"
            );
        }
        assert!(first_line(&mut Cursor::new(b"\xff\n")).is_err());
    }

    #[test]
    fn arguments_that_make_no_hash() {
        for line in [
            &["secret"][..],
            &["--cost", "-1"],
            &["--cost", "3"],
            &["--cost=32"],
            &["--cost", "4", "more"],
        ] {
            let args: Vec<String> = line.iter().map(|&word| word.to_owned()).collect();
            let mut out = Vec::new();
            let error = run(&args, &mut out).unwrap_err();
            assert!(matches!(error, ToolError::Usage(_)), "{line:?}");
            assert!(out.is_empty(), "{line:?}");
            assert!(!error.to_string().contains("secret"));
        }
    }
}
