//! `CONSUMER.LIST`: all that is told of the consumers of a stream.

use crate::consumer_names::read;
use std::time::Instant;
use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::Paged;
use vagus_jetstream::consumer::ConsumerListAnswer;
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(
    account: &AccountStreams,
    stream: &str,
    body: &[u8],
    came_at: Instant,
) -> Result<ConsumerListAnswer, ApiError> {
    let wanted = read(account, body)?;
    let Paged { page, shown } = account
        .stream(stream)?
        .consumers_as_of(wanted.offset, came_at)
        .await?;
    let version = account.version();
    Ok(ConsumerListAnswer {
        page,
        consumers: shown.into_iter().map(|info| info.shown(version)).collect(),
        ..ConsumerListAnswer::default()
    })
}
