//! `STREAM.SNAPSHOT`: a stream is backed up. Its pieces go where the request says; of those that are on their way not too
//! many are not yet acknowledged.

use super::{Afterwards, Vault, id};
use crate::answering::now;
use bytes::Bytes;
use serde::Serialize;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use vagus_actors::jetstream::Backup;
use vagus_jetstream::api::{SnapshotAnswer, SnapshotRequest, StreamState, is_empty};
use vagus_jetstream::backup::Form;
use vagus_jetstream::error::ApiError;
use vagus_jetstream::time::Time;
use vagus_routing::subject::{has_wildcards, is_valid_subscription};

/// How long is waited for somebody to listen, and how often is looked whether he does.
const LISTENED_TO_WITHIN: Duration = Duration::from_secs(2);
const LOOKED_EVERY: Duration = Duration::from_millis(50);

/// How long is waited for pieces to be acknowledged.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(5);

/// How a backup ends.
const END: &str = "NATS/1.0 204\r\n\r\n";
const NOBODY: &str = "NATS/1.0 408 No Interest\r\n\r\n";
const SILENCE: &str = "NATS/1.0 408 No Flow Response\r\n\r\n";

#[derive(Serialize)]
struct Began {
    state: StreamState,
}

#[derive(Serialize)]
struct Completed {
    start: Time,
    end: Time,
}

pub(crate) async fn answer(
    vault: &Vault,
    name: &str,
    body: &[u8],
) -> Result<(SnapshotAnswer, Afterwards), ApiError> {
    if is_empty(body) {
        return Err(ApiError::BAD_REQUEST);
    }
    let account = &vault.account;
    account.stream(name)?;
    let request = SnapshotRequest::from_json(body, account.is_strict())?;
    let to = request.deliver_subject.as_bytes();
    if !is_valid_subscription(to) || has_wildcards(to) {
        return Err(ApiError::SNAPSHOT_DELIVER_SUBJECT_INVALID);
    }
    let place = vault.backed_up.clone().try_acquire_owned();
    let place = place.map_err(|_| ApiError::TOO_MANY_REQUESTS)?;
    let (snapshot, backup) = account.back_up(name, Form::Tar, !request.no_consumers).await?;
    let answer = SnapshotAnswer {
        config: Some(snapshot.config),
        state: Some(snapshot.state.clone()),
    };
    let (vault, name) = (vault.clone(), name.to_owned());
    let afterwards = async move {
        let start = now();
        let kind = "io.nats.jetstream.advisory.v1.snapshot_create";
        let state = snapshot.state;
        vault.tell("SNAPSHOT_CREATE", kind, &name, Began { state }).await;
        let ended = send(&vault, &name, &request, backup).await;
        if ended != END {
            let why = ended.trim_start_matches("NATS/1.0 ").trim_end();
            log::warn!("JetStream: the backup of stream '{name}' has failed: {why}");
        }
        vault
            .send(&request.deliver_subject, None, Some(&ended), Bytes::new())
            .await;
        let kind = "io.nats.jetstream.advisory.v1.snapshot_complete";
        let end = now();
        vault
            .tell("SNAPSHOT_COMPLETE", kind, &name, Completed { start, end })
            .await;
        drop(place);
    };
    Ok((answer, Box::pin(afterwards)))
}

/// Sends all pieces; says how that has ended.
async fn send(vault: &Vault, name: &str, request: &SnapshotRequest, mut backup: Backup) -> String {
    let acknowledged = format!("$JS.SNAPSHOT.ACK.{name}.{}", id());
    let Some(mut line) = vault.listen(format!("{acknowledged}.>")).await else {
        return NOBODY.to_owned();
    };
    let (chunk, in_flight) = (request.chunk(), request.in_flight());
    let (mut sent, mut arrived) = (0_usize, 0_usize);
    loop {
        while sent - arrived >= in_flight {
            match line.next(ACKNOWLEDGED_WITHIN).await {
                Some(_) => arrived = (arrived + 1).min(sent),
                None => return SILENCE.to_owned(),
            }
        }
        let piece = match backup.next(chunk).await {
            Ok(Some(piece)) => piece,
            Ok(None) => return END.to_owned(),
            Err(error) => return format!("NATS/1.0 500 {}\r\n\r\n", error.replace(['\r', '\n'], " ")),
        };
        sent += 1;
        let reply = format!("{acknowledged}.{}.{sent}", piece.len());
        if !send_piece(vault, &request.deliver_subject, reply, piece, sent == 1).await {
            return NOBODY.to_owned();
        }
    }
}

/// Whether somebody took it; who listens may come a while after he has asked.
async fn send_piece(vault: &Vault, to: &str, reply: String, piece: Bytes, is_first: bool) -> bool {
    let until = Instant::now() + LISTENED_TO_WITHIN;
    loop {
        if vault.send(to, Some(reply.clone()), None, piece.clone()).await {
            return true;
        }
        if !is_first || Instant::now() >= until {
            return false;
        }
        sleep(LOOKED_EVERY).await;
    }
}
