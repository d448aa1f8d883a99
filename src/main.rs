//! The `vagus` program.

mod commands;
mod configuration;
mod flags;
mod logging;
mod process;
mod run;

use flags::{COMMANDS, Command, SERVE, SERVER, Text, tls_help};
use std::io::Write;
use std::process::ExitCode;

/// It gives back what is not used any more, also while nothing happens. `.cargo/config.toml` says how soon.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    match flags::parse(&args, &vagus_configs::load) {
        Ok(Command::Serve(launch)) => run::serve(*launch, args),
        Ok(Command::Approve(file)) => {
            // In nats-server's name: scripts look for this line.
            let _ = writeln!(
                std::io::stderr(),
                "nats-server: configuration file {} is valid ({})",
                file.path.display(),
                file.digest
            );
            ExitCode::SUCCESS
        }
        Ok(Command::Signal(order)) => outcome(process::signal::send(&order)),
        Ok(Command::Tool(tool, args)) => commands::run(tool, &args),
        Ok(Command::Show(text)) => {
            show(text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&error);
            if error.shows_help() {
                show(Text::Server);
                return ExitCode::SUCCESS;
            }
            ExitCode::FAILURE
        }
    }
}

fn outcome<E: std::fmt::Display>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// One line on standard error. That nobody listens there is no error of ours.
fn complain(error: &impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "vagus: {error}");
}

fn show(text: Text) {
    let mut out = std::io::stdout().lock();
    let _ = match text {
        Text::Version => writeln!(out, "nats-server: v{}", vagus::NATS_VERSION),
        Text::Server => write!(
            out,
            "vagus {}, a message broker that speaks NATS\n\n{COMMANDS}\n{SERVER}",
            vagus::VERSION
        ),
        Text::Serve => write!(out, "{SERVE}"),
        Text::Tls => write!(out, "{}", tls_help()),
        Text::Tool(tool) => {
            let (own, all) = commands::help(tool);
            write!(out, "{own}{all}")
        }
    };
}
