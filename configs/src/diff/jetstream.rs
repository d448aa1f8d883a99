//! The streams that a server keeps: it may begin and end to while it runs, and how much there may be of them can grow; all
//! else is fixed for as long as it keeps some.

use super::{Announced, Shown, Table, section};
use crate::{BatchLimits, Encryption, Inbox, JetStream, StreamLimits, SyncInterval};

pub(super) fn compare(table: &mut Table, (old, new): (Option<&JetStream>, Option<&JetStream>)) {
    table.row(
        "jetstream",
        (&old.is_some(), &new.is_some()),
        |is_there| section(&is_there.then_some(())),
        Some(Announced::Named("JetStream")),
    );
    // Where there are none before or after, what they were or are to be like is nothing more to say.
    let (Some(old), Some(new)) = (old, new) else {
        return;
    };
    let JetStream {
        max_memory,
        max_file,
        domain,
        encryption,
        unique_tag,
        strict,
        sync_interval,
        limits,
        request_queue_limit,
        info_queue_limit,
        inbox,
    } = old;
    room(
        table,
        ("jetstream.max_memory_store", "JetStream max_mem_store"),
        (*max_memory, new.max_memory),
    );
    room(
        table,
        ("jetstream.max_file_store", "JetStream max_file_store"),
        (*max_file, new.max_file),
    );
    let text = |text: &String| Shown::optional(Some(text).filter(|text| !text.is_empty()));
    table.fixed("jetstream.domain", (domain, &new.domain), text);
    encrypted(table, (encryption.as_ref(), new.encryption.as_ref()));
    table.fixed("jetstream.unique_tag", (unique_tag, &new.unique_tag), text);
    table.fixed("jetstream.strict", (strict, &new.strict), |on| {
        Shown::Boolean(*on)
    });
    // It changes nothing.
    table.reloads(
        "jetstream.sync_interval",
        (sync_interval, &new.sync_interval),
        |interval| match interval {
            SyncInterval::Always => Shown::Text("always".to_owned()),
            SyncInterval::Every(interval) => Shown::duration(*interval),
        },
    );
    limited(table, (limits, &new.limits));
    let number = |number: &usize| Shown::number(*number);
    table.fixed(
        "jetstream.request_queue_limit",
        (request_queue_limit, &new.request_queue_limit),
        number,
    );
    table.fixed(
        "jetstream.info_queue_limit",
        (info_queue_limit, &new.info_queue_limit),
        number,
    );
    let Inbox { messages, bytes } = inbox;
    table.fixed(
        "jetstream.max_buffered_msgs",
        (messages, &new.inbox.messages),
        number,
    );
    table.fixed("jetstream.max_buffered_size", (bytes, &new.inbox.bytes), number);
}

/// What is found out as the server starts does not change, and what is said does not become less: it may be in use.
fn room(
    table: &mut Table,
    (key, announced): (&'static str, &'static str),
    (old, new): (Option<i64>, Option<i64>),
) {
    let grows = matches!((old, new), (Some(old), Some(new)) if new >= old);
    let shown = |bytes: &Option<i64>| match bytes.map(u64::try_from) {
        Some(Ok(bytes)) => Shown::Number(bytes),
        _ => Shown::Nothing,
    };
    let announced = (grows || old == new).then_some(Announced::Sized(announced));
    table.row(key, (&old, &new), shown, announced);
}

fn encrypted(table: &mut Table, (old, new): (Option<&Encryption>, Option<&Encryption>)) {
    let cipher = |encryption: Option<&Encryption>| encryption.map(|encryption| encryption.cipher.text());
    table.fixed("jetstream.cipher", (&cipher(old), &cipher(new)), |cipher| {
        Shown::optional(*cipher)
    });
    let secret = |secret: &Option<String>| Shown::secret(secret.is_some());
    let key = |encryption: Option<&Encryption>| encryption.map(|it| it.key.clone());
    table.fixed("jetstream.key", (&key(old), &key(new)), secret);
    let previous = |encryption: Option<&Encryption>| encryption.and_then(|it| it.previous_key.clone());
    table.fixed("jetstream.prev_key", (&previous(old), &previous(new)), secret);
}

fn limited(table: &mut Table, (old, new): (&StreamLimits, &StreamLimits)) {
    let StreamLimits {
        max_ack_pending,
        max_ha_assets,
        max_request_batch,
        default_max_consumers,
        duplicate_window,
        batch,
    } = old;
    let BatchLimits {
        max_inflight_per_stream,
        max_inflight_total,
        max_messages,
        timeout,
    } = batch;
    let limit = |limit: &Option<u64>| limit.map_or(Shown::Nothing, Shown::Number);
    for (key, pair) in [
        (
            "jetstream.limits.max_ack_pending",
            (max_ack_pending, &new.max_ack_pending),
        ),
        (
            "jetstream.limits.max_ha_assets",
            (max_ha_assets, &new.max_ha_assets),
        ),
        (
            "jetstream.limits.max_request_batch",
            (max_request_batch, &new.max_request_batch),
        ),
        (
            "jetstream.limits.batch.max_inflight_per_stream",
            (max_inflight_per_stream, &new.batch.max_inflight_per_stream),
        ),
        (
            "jetstream.limits.batch.max_inflight_total",
            (max_inflight_total, &new.batch.max_inflight_total),
        ),
        (
            "jetstream.limits.batch.max_msgs",
            (max_messages, &new.batch.max_messages),
        ),
    ] {
        table.fixed(key, pair, limit);
    }
    table.reloads(
        "jetstream.limits.default_max_consumers",
        (default_max_consumers, &new.default_max_consumers),
        limit,
    );
    for (key, pair) in [
        (
            "jetstream.limits.duplicate_window",
            (duplicate_window, &new.duplicate_window),
        ),
        ("jetstream.limits.batch.timeout", (timeout, &new.batch.timeout)),
    ] {
        table.fixed(key, pair, |time| time.map_or(Shown::Nothing, Shown::duration));
    }
}
