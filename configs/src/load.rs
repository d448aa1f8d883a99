//! From a configuration file to a [`Config`].
//!
//! One file a section; each takes the keys it knows and leaves the others. What no section takes is either
//! a key of nats-server that this version has no feature for, which is refused with these words
//! ([`absent`]), or unknown. To add a feature: take its key in its section and strike it from [`absent`].

mod absent;
mod accounts;
mod admin;
mod auth_callout;
mod authorization;
mod cluster;
mod compression;
mod connectors;
mod digest;
mod findings;
mod gateway;
mod inert;
mod jetstream;
mod labels;
mod lame_duck;
mod leafnodes;
mod limits;
mod listen;
mod listener;
mod logging;
mod metrics;
mod monitoring;
mod ocsp;
mod operators;
mod permissions;
mod proxies;
mod read;
mod server;
mod server_urls;
mod tls;
mod users;
mod websocket;

pub use findings::{Obstacle, Problem, Warning};

use crate::Config;
use crate::grammar::{self, Environment, Files, Map, SyntaxError};
use findings::Findings;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The most bytes that one file may have.
const MAX_FILE: u64 = 16 << 20;

/// What a file says, understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The configuration, valid as it is.
    pub config: Config,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
    /// Why no server starts with this file all the same. A check of the file (`-t`) passes over these, as
    /// that of nats-server does.
    pub obstacles: Vec<Obstacle>,
    /// `sha256:` and the hash of the content, which is the same for files that differ only in how they are
    /// written, and the same as nats-server shows.
    pub digest: String,
    /// What the file holds, variables and included files resolved.
    pub tree: Map,
}

/// A file that makes no configuration. Shown as a line for each error; never shows secrets.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file itself cannot be read.
    #[error("cannot read the configuration file {}: {source}", .path.display())]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It, or a file that it includes, does not follow the grammar.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// Keys that are unknown, or set to what they cannot be; in the order of the file.
    #[error("{}", lines(.0))]
    Invalid(Vec<Problem>),
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}

/// Reads a configuration file, with the files that it includes and the variables of the environment. Certificates and
/// keys that it names are read, to see whether they can be.
///
/// # Errors
/// When it or a certificate cannot be read, does not follow the grammar, or asks for what there is not.
pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
    let text = Disk.read(path).map_err(|source| ConfigError::Unreadable {
        path: path.to_path_buf(),
        source,
    })?;
    let findings = Findings {
        reads_certificates: true,
        ..Findings::default()
    };
    read_text(
        &text,
        path,
        &Disk,
        &|name: &str| std::env::var(name).ok(),
        findings,
    )
}

/// Like [`load`](load()), for the text of a file called `name`; touches nothing but what it is given.
///
/// # Errors
/// When the text does not follow the grammar, or asks for what there is not.
pub fn parse(
    text: &str,
    name: &Path,
    files: &dyn Files,
    environment: &dyn Environment,
) -> Result<Loaded, ConfigError> {
    read_text(text, name, files, environment, Findings::default())
}

/// What a file holds, understood. Certificates and keys that it names are read, to see whether they can be.
///
/// # Errors
/// When a certificate cannot be read, or it asks for what there is not.
pub fn understand(tree: Map) -> Result<Loaded, ConfigError> {
    settle(
        tree,
        Findings {
            reads_certificates: true,
            ..Findings::default()
        },
    )
}

/// Like [`understand`], without looking at anything that it names.
///
/// # Errors
/// When it asks for what there is not.
pub fn skim(tree: Map) -> Result<Loaded, ConfigError> {
    settle(tree, Findings::default())
}

fn read_text(
    text: &str,
    name: &Path,
    files: &dyn Files,
    environment: &dyn Environment,
    mut findings: Findings,
) -> Result<Loaded, ConfigError> {
    let tree = grammar::parse(text, name, files, environment)?;
    if tree.is_empty() {
        findings.doubt(None, format!("{}: the configuration is empty", name.display()));
    }
    settle(tree, findings)
}

fn settle(tree: Map, mut findings: Findings) -> Result<Loaded, ConfigError> {
    let config = server::read(&tree, &mut findings);
    if !findings.problems.is_empty() {
        return Err(ConfigError::Invalid(findings.problems));
    }
    Ok(Loaded {
        config,
        warnings: findings.warnings,
        obstacles: findings.obstacles,
        digest: digest::of(&tree),
        tree,
    })
}

/// The files of this machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<String> {
        let mut text = Vec::new();
        File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut text)?;
        if text.len() as u64 > MAX_FILE {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("it is larger than {} MiB", MAX_FILE >> 20),
            ));
        }
        Ok(decoded(text))
    }
}

/// Text of UTF-8, in which what is none is of Latin-1, as old editors wrote it: comments, mostly.
fn decoded(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let mut text = String::new();
        for chunk in error.as_bytes().utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().copied().map(char::from));
        }
        text
    })
}

#[cfg(test)]
mod tests;
