//! One look at a server.

use super::sample::{Sample, Wanted};
use crate::commands::http::{Client, HttpError};
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Why a look brought nothing.
#[derive(Debug, Error)]
pub(in crate::commands) enum LookError {
    #[error("cannot ask the server for {path}: {source}")]
    Http { path: &'static str, source: HttpError },
    #[error("cannot understand the server's {path}: {source}")]
    Json {
        path: &'static str,
        source: serde_json::Error,
    },
}

/// Asks for everything that is wanted.
pub(super) fn look(client: &Client, wanted: &Wanted) -> Result<Sample, LookError> {
    Ok(Sample {
        varz: ask(client, "/varz", "/varz")?,
        connz: ask(client, "/connz", &wanted.connz())?,
        subjectz: if wanted.hot_subjects {
            optional(ask(client, "/subjectz", "/subjectz"))?
        } else {
            None
        },
        jsz: match wanted.streams {
            true => optional(ask(client, "/jsz", "/jsz?accounts=1&streams=1"))?,
            false => None,
        },
    })
}

/// Other servers than ours have no such page.
fn optional<T>(answer: Result<T, LookError>) -> Result<Option<T>, LookError> {
    match answer {
        Err(LookError::Http {
            source: HttpError::Refused { status: 404, .. },
            ..
        }) => Ok(None),
        answer => answer.map(Some),
    }
}

fn ask<T: DeserializeOwned>(client: &Client, path: &'static str, target: &str) -> Result<T, LookError> {
    let body = client
        .get(target)
        .map_err(|source| LookError::Http { path, source })?;
    serde_json::from_slice(&body).map_err(|source| LookError::Json { path, source })
}
