//! `STREAM.RESTORE`: a stream is made again. Its pieces come as requests on a subject that the answer says; an empty one says
//! that all have.

use super::{Afterwards, Line, Vault, id};
use crate::answering::{described, now};
use bytes::Bytes;
use serde::Serialize;
use std::time::Duration;
use vagus_actors::jetstream::{Restoration, RestoreError};
use vagus_jetstream::api::{CreateAnswer, RestoreAnswer, RestoreRequest, answer as written, is_empty};
use vagus_jetstream::error::ApiError;
use vagus_jetstream::time::Time;

/// How long is waited for the next piece.
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Serialize)]
struct Completed {
    start: Time,
    end: Time,
    bytes: usize,
}

pub(crate) async fn answer(
    vault: &Vault,
    name: &str,
    body: &[u8],
) -> Result<(RestoreAnswer, Afterwards), ApiError> {
    if is_empty(body) {
        return Err(ApiError::BAD_REQUEST);
    }
    let account = &vault.account;
    let mut request = RestoreRequest::from_json(body, account.is_strict())?.request;
    if request.config.name.is_empty() {
        name.clone_into(&mut request.config.name);
    }
    if request.config.name != name {
        return Err(ApiError::STREAM_MISMATCH);
    }
    let place = vault.restored.clone().try_acquire_owned();
    let place = place.map_err(|_| ApiError::TOO_MANY_REQUESTS)?;
    let restoration = account.begin_restore(name, request)?;
    let deliver_subject = format!("$JS.SNAPSHOT.RESTORE.{name}.{}", id());
    let line = vault.listen(deliver_subject.clone()).await;
    let line = line.ok_or(ApiError::NOT_AVAILABLE)?;
    let (vault, name) = (vault.clone(), name.to_owned());
    let afterwards = async move {
        restore(&vault, &name, line, restoration).await;
        drop(place);
    };
    Ok((RestoreAnswer { deliver_subject }, Box::pin(afterwards)))
}

async fn restore(vault: &Vault, name: &str, mut line: Line, mut restoration: Restoration) {
    let (start, mut bytes) = (now(), 0);
    let kind = "io.nats.jetstream.advisory.v1.restore_create";
    vault.tell("RESTORE_CREATE", kind, name, ()).await;
    let (restored, reply) = loop {
        let Some(message) = line.next(PATIENCE).await else {
            log::warn!("JetStream: nothing more has come of stream '{name}', which was being restored");
            break (None, String::new());
        };
        let parts = message.parts();
        // Who wants no answer does not hear of failures either.
        let Some(reply) = parts.reply else {
            break (None, String::new());
        };
        let reply = String::from_utf8_lossy(reply).into_owned();
        if parts.payload.is_empty() {
            break (Some(restoration.finish().await), reply);
        }
        bytes += parts.payload.len();
        if let Err(error) = restoration.push(Bytes::copy_from_slice(parts.payload)).await {
            break (Some(Err(error)), reply);
        }
        vault.send(&reply, None, None, Bytes::new()).await;
    };
    if let Some(restored) = restored {
        let outcome = restored.map(|shown| CreateAnswer {
            info: Some(described(&vault.account, shown)),
            did_create: true,
        });
        if let Err(error) = &outcome {
            log::warn!("JetStream: stream '{name}' was not restored: {error}");
        }
        let text = written(outcome.map_err(refused));
        vault.send(&reply, None, None, text.into()).await;
    }
    let kind = "io.nats.jetstream.advisory.v1.restore_complete";
    let end = now();
    let completed = Completed { start, end, bytes };
    vault.tell("RESTORE_COMPLETE", kind, name, completed).await;
}

fn refused(error: RestoreError) -> ApiError {
    match error {
        RestoreError::Refused(error) => error,
        error => ApiError::restore_failed(error),
    }
}
