//! `STREAM.LIST`: all that is told of streams.

use crate::answering::described;
use crate::stream_names::read;
use futures_util::future::join_all;
use std::time::Instant;
use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::{LIST_LIMIT, ListAnswer, Paged, StreamInfoRequest};
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(
    account: &AccountStreams,
    body: &[u8],
    came_at: Instant,
) -> Result<ListAnswer, ApiError> {
    let wanted = read(account, body)?;
    let names = account.names(&wanted.subject);
    let Paged { page, shown } = Paged::new(names.into_iter(), wanted.offset, LIST_LIMIT);
    let streams = shown.iter().filter_map(|name| account.stream(name).ok());
    let asked: Vec<_> = streams.collect();
    let shown = join_all(
        asked
            .iter()
            .map(|stream| stream.show_as_of(StreamInfoRequest::default(), came_at)),
    )
    .await;
    Ok(ListAnswer {
        page,
        // One that is gone meanwhile is left out.
        streams: shown
            .into_iter()
            .flatten()
            .map(|shown| described(account, shown))
            .collect(),
        ..ListAnswer::default()
    })
}
