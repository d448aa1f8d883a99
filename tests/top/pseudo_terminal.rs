//! A terminal whose other end is a test.

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;
use vagus_test_support::PATIENCE;

const ROWS: u16 = 40;
const COLUMNS: u16 = 160;

/// The program on a terminal.
pub(crate) struct OnTerminal {
    child: Child,
    keyboard: File,
    /// The end that the program has: its modes can be asked for.
    terminal: File,
    output: Receiver<u8>,
    screen: Screen,
}

impl OnTerminal {
    pub(crate) fn run(arguments: &[&str]) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let terminal = File::options()
            .read(true)
            .write(true)
            .open(std::ffi::OsStr::from_bytes(name.as_bytes()))
            .unwrap();
        let size = Winsize {
            ws_row: ROWS,
            ws_col: COLUMNS,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&terminal, size).unwrap();
        let end = || OwnedFd::from(terminal.try_clone().unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_vagus"))
            .args(arguments)
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let keyboard = File::from(ours);
        let output = read(keyboard.try_clone().unwrap());
        Self {
            child,
            keyboard,
            terminal,
            output,
            screen: Screen::new(),
        }
    }

    pub(crate) fn id(&self) -> i32 {
        self.child.id().try_into().unwrap()
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until a line of the screen holds this.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) {
        self.wait(text, |screen| {
            screen
                .lines
                .iter()
                .any(|line| line.iter().collect::<String>().contains(text))
        });
    }

    /// Waits until the screen is as asked.
    #[track_caller]
    fn wait(&mut self, what: &str, is_so: impl Fn(&Screen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(&self.screen) {
            match self
                .output
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(byte) => {
                    self.screen.write(byte);
                    // Looking at the screen takes longer than writing to it.
                    self.output.try_iter().for_each(|byte| self.screen.write(byte));
                }
                Err(_) => panic!("there is no {what:?} in {:#?}", self.screen),
            }
        }
    }

    /// Whether keys come at once and unseen.
    pub(crate) fn is_raw(&self) -> bool {
        !tcgetattr(&self.terminal)
            .unwrap()
            .local_modes
            .contains(LocalModes::ICANON)
    }

    /// Waits until it shows its own screen.
    #[track_caller]
    pub(crate) fn until_shown(&mut self) {
        self.until("NATS server version");
        assert!(self.is_raw() && self.screen.is_other);
    }

    /// Waits until it ends, with the terminal as it was.
    #[track_caller]
    pub(crate) fn until_given_back(mut self) -> ExitStatus {
        self.wait("the first screen", |screen| !screen.is_other && screen.has_cursor);
        let status = self.child.wait().unwrap();
        assert!(!self.is_raw(), "what is typed next would not be seen");
        status
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(mut terminal: File) -> Receiver<u8> {
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count) = terminal.read(&mut bytes) {
            // The test may have seen enough.
            if count == 0 || bytes[..count].iter().any(|byte| send.send(*byte).is_err()) {
                return;
            }
        }
    });
    receive
}

/// What a terminal shows that understands what the program sends.
struct Screen {
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
    /// Whether it is the second screen, which programs have for themselves.
    is_other: bool,
    has_cursor: bool,
    /// A sequence, or a letter of several bytes, whose end has not come yet.
    unfinished: Vec<u8>,
}

impl Screen {
    fn new() -> Self {
        Self {
            lines: vec![vec![' '; COLUMNS.into()]; ROWS.into()],
            row: 0,
            column: 0,
            is_other: false,
            has_cursor: true,
            unfinished: Vec::new(),
        }
    }

    fn write(&mut self, byte: u8) {
        self.unfinished.push(byte);
        match &self.unfinished[..] {
            [b'\r'] => self.column = 0,
            [b'\n'] => self.row = (self.row + 1).min(self.lines.len() - 1),
            [0x1b] | [0x1b, b'['] => return,
            [0x1b, b'[', parameters @ .., end] if end.is_ascii_alphabetic() => {
                let parameters = String::from_utf8_lossy(parameters).into_owned();
                self.obey(&parameters, *end);
            }
            [0x1b, b'[', ..] => return,
            bytes => match std::str::from_utf8(bytes) {
                Ok(letter) => {
                    let letter = letter.chars().next().unwrap();
                    if let Some(cell) = self.lines[self.row].get_mut(self.column) {
                        *cell = letter;
                    }
                    self.column += 1;
                }
                Err(_) => return,
            },
        }
        self.unfinished.clear();
    }

    fn obey(&mut self, parameters: &str, order: u8) {
        match (parameters, order) {
            ("?1049", b'h' | b'l') => self.is_other = order == b'h',
            ("?25", b'h' | b'l') => self.has_cursor = order == b'h',
            (_, b'H') => {
                let (row, column) = parameters.split_once(';').unwrap_or(("1", "1"));
                self.row = row.parse::<usize>().unwrap() - 1;
                self.column = column.parse::<usize>().unwrap() - 1;
            }
            (_, b'm') => {}
            _ => panic!("what is {parameters}{}?", char::from(order)),
        }
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = self
            .lines
            .iter()
            .map(|line| line.iter().collect::<String>().trim_end().to_owned());
        formatter.debug_list().entries(lines).finish()
    }
}
