//! The terminal, given back as it was however the program ends.

use super::draw::draw;
use super::model::Model;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::panic;

/// A terminal that shows nothing but ours.
pub(super) struct Screen {
    // Not standard output itself: its lock is held by the caller of the tool, and a panic elsewhere must not wait
    // for it.
    terminal: Terminal<CrosstermBackend<File>>,
    out: File,
}

impl Screen {
    /// Takes over the terminal that standard output is. From here on a panic of any thread gives it back first.
    pub(super) fn open() -> io::Result<Self> {
        let open = || io::stdout().as_fd().try_clone_to_owned().map(File::from);
        let (out, at_panic) = (open()?, open()?);
        let terminal = Terminal::new(CrosstermBackend::new(open()?))?;
        enable_raw_mode()?;
        // From here on it is given back when dropped, also if the next step fails.
        let mut screen = Self { terminal, out };
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |about| {
            give_back(&at_panic);
            before(about);
        }));
        execute!(screen.out, EnterAlternateScreen)?;
        Ok(screen)
    }

    pub(super) fn show(&mut self, model: &Model) -> io::Result<()> {
        self.terminal.draw(|frame| draw(model, frame)).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back(&self.out);
    }
}

/// There is nobody to tell if the terminal is gone.
fn give_back(mut out: &File) {
    let _ = disable_raw_mode();
    let _ = execute!(out, LeaveAlternateScreen, Show);
    let _ = out.flush();
}
