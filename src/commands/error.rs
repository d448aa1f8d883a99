use super::address::AddressError;
use crate::flags::syntax::SyntaxError;
use std::io;
use std::time::Duration;
use thiserror::Error;
use vagus_auth::password::HashError;

/// Why a tool did not do what it was asked; one line for the person who asked.
#[derive(Debug, Error)]
pub(super) enum ToolError {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Arguments(#[from] SyntaxError),
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("cannot start: {0}")]
    Runtime(io::Error),
    #[error("cannot connect to {address}: {reason}")]
    Connect { address: String, reason: String },
    #[error("the connection is lost")]
    Disconnected,
    #[error("the server says: {0}")]
    Server(String),
    #[error("cannot send: {0}")]
    Send(String),
    #[error("nobody listens on {0}")]
    NoResponders(String),
    #[error("no answer within {0:?}")]
    NoAnswer(Duration),
    #[error("cannot read the message: {0}")]
    Input(io::Error),
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
    #[error("cannot ask on the terminal: {0}")]
    Terminal(io::Error),
    #[error("cannot read the password: {0}")]
    Password(io::Error),
    #[error("there is no password")]
    NoPassword,
    #[error("the two passwords are not the same")]
    PasswordsDiffer,
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error(transparent)]
    Bench(#[from] super::bench::BenchError),
    #[error(transparent)]
    Mapping(#[from] super::mapping::MappingError),
    #[error(transparent)]
    Stream(#[from] super::stream::StreamError),
    #[error(transparent)]
    Backup(#[from] super::backup::BackupError),
    #[error(transparent)]
    Http(#[from] super::http::HttpError),
    #[error(transparent)]
    Top(#[from] super::top::TopError),
}
