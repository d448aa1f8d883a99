//! `CONSUMER.INFO`: what a consumer is and has done.

use std::time::Instant;
use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::is_empty;
use vagus_jetstream::consumer::ConsumerInfoAnswer;
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(
    account: &AccountStreams,
    (stream, name): (&str, &str),
    body: &[u8],
    came_at: Instant,
) -> Result<ConsumerInfoAnswer, ApiError> {
    if !is_empty(body) {
        return Err(ApiError::NOT_EMPTY_REQUEST);
    }
    let info = account.stream(stream)?.consumer_as_of(name, came_at).await?;
    Ok(ConsumerInfoAnswer {
        info: Some(info.shown(account.version())),
    })
}
