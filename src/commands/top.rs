//! `vagus top`: what nats-top shows, with its flags and keys, and a little more.

mod draw;
mod events;
mod keys;
mod look;
mod model;
mod options;
mod sample;
mod screen;
mod servers;
mod sizes;
mod streams;
mod text;

pub(super) use look::LookError;
pub(super) use options::HELP;
pub(super) use sample::tame;

use super::error::ToolError;
use super::http::Endpoint;
use events::{Event, Sources, name_of};
use keys::Action;
use model::Model;
use options::{Batch, Options};
use screen::Screen;
use servers::Servers;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::thread;
use std::time::Duration;
use thiserror::Error;

/// Why there is nothing to see.
#[derive(Debug, Error)]
pub(super) enum TopError {
    #[error(transparent)]
    Look(#[from] LookError),
    #[error("there is no terminal to show it on; -o - writes it down")]
    NoTerminal,
    #[error("cannot use the terminal: {0}")]
    Terminal(io::Error),
    #[error("cannot write {0}: {1}")]
    File(String, io::Error),
}

pub(super) fn run(args: &[String], out: &mut impl Write) -> Result<(), ToolError> {
    let Some(options) = options::read(args)? else {
        writeln!(out, "vagus top v{}", vagus::VERSION)?;
        return Ok(());
    };
    let servers = Servers::new(&options.endpoints)?;
    let mut model = Model::new(
        options.view.clone(),
        options.endpoints.iter().map(Endpoint::to_string),
    );
    // At once, and before the terminal changes, if there is no server.
    let mut wanted = model.wanted();
    let sample = servers.look_at_any(&mut wanted).map_err(TopError::Look)?;
    model.turn_to(wanted.server);
    model.saw(sample);
    match options.batch {
        Some(batch) => write_down(&servers, model, &batch, options.delay, out),
        None => Ok(watch(servers, model, &options)?),
    }
}

/// Two looks, as one has no rates, and down they go.
fn write_down(
    servers: &Servers,
    mut model: Model,
    batch: &Batch,
    delay: Duration,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    thread::sleep(delay);
    model.saw(servers.look(&model.wanted()).map_err(TopError::Look)?);
    for address in model.nameless() {
        let name = name_of(&address);
        model.named(address, name);
    }
    let text = match &batch.delimiter {
        None => text::plain(&model),
        Some(delimiter) => text::delimited(&model, delimiter),
    };
    match &batch.file {
        None => out.write_all(text.as_bytes())?,
        Some(path) => {
            let write = || File::create(path)?.write_all(text.as_bytes());
            write().map_err(|error| TopError::File(path.display().to_string(), error))?;
        }
    }
    Ok(())
}

/// Shows what happens until somebody has seen enough.
fn watch(servers: Servers, mut model: Model, options: &Options) -> Result<(), TopError> {
    if !io::stdout().is_terminal() {
        return Err(TopError::NoTerminal);
    }
    model.looks = 0;
    // A signal that comes early must not find the terminal taken and nobody to give it back.
    let sources = Sources::start(servers, model.wanted(), options.delay).map_err(TopError::Terminal)?;
    let mut screen = Screen::open().map_err(TopError::Terminal)?;
    loop {
        screen.show(&model).map_err(TopError::Terminal)?;
        if options.looks.is_some_and(|looks| model.looks >= looks) {
            return Ok(());
        }
        match sources.next() {
            Some(Event::Key(key)) => match keys::press(&mut model, key) {
                Action::Quit => return Ok(()),
                Action::Look => sources.look(model.wanted()),
                Action::Redraw => {}
            },
            // What came of the server that was looked at before is of no interest any more.
            Some(Event::Seen(server, _) | Event::Failed(server, _)) if server != model.server() => continue,
            Some(Event::Seen(_, sample)) => model.saw(*sample),
            Some(Event::Failed(_, error)) => model.failed(error),
            Some(Event::Named(address, name)) => model.named(address, name),
            Some(Event::Resized) => {}
            Some(Event::NoKeyboard(error)) => return Err(TopError::Terminal(error)),
            Some(Event::End) | None => return Ok(()),
        }
        for address in model.nameless() {
            if sources.name(address.clone()) {
                // Its name is known to be on the way.
                model.named(address, String::new());
            }
        }
    }
}
