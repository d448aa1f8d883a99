mod accounts;
mod admin;
mod cluster;
mod connectors;
mod gateway;
mod jetstream;
mod leafnodes;
mod metrics;
mod monitoring;
mod mutation;
mod operators;
mod settings;
mod shipped;
mod tls;
mod users;
mod verdicts;
mod websocket;

use super::{ConfigError, Disk, Loaded, parse};
use crate::grammar::{Environment, Fault};
use std::path::Path;

fn read(text: &str) -> Result<Loaded, ConfigError> {
    parse(text, Path::new("a.conf"), &Disk, &|_: &str| None)
}

/// What keeps a server from starting with it, a line each.
fn obstacles(loaded: &Loaded) -> String {
    let obstacles: Vec<String> = loaded.obstacles.iter().map(ToString::to_string).collect();
    obstacles.join("\n")
}

fn judge(text: &str) -> String {
    judge_with(text, &|_: &str| None)
}

/// Whether a check of the text passes, or where it fails.
fn judge_with(text: &str, environment: &dyn Environment) -> String {
    match parse(text, Path::new("a.conf"), &Disk, environment) {
        Ok(loaded) if loaded.warnings.iter().any(|warning| warning.fails_check) => "doubtful".to_owned(),
        Ok(_) => "valid".to_owned(),
        Err(ConfigError::Invalid(problems)) => {
            let places: Vec<String> = problems
                .iter()
                .map(|problem| match problem.is_placed {
                    true => format!("{}:{}", problem.place.line, problem.place.column),
                    false => "unplaced".to_owned(),
                })
                .collect();
            places.join(" ")
        }
        Err(ConfigError::Syntax(error)) if error.fault == Fault::NoValue => {
            format!("{}:{}", error.place.line, error.place.column)
        }
        Err(ConfigError::Syntax(error)) => format!("line {}", error.place.line),
        Err(error @ ConfigError::Unreadable { .. }) => error.to_string(),
    }
}
