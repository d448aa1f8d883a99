//! `CONSUMER.NAMES`: which consumers a stream has.

use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::{Paged, is_empty};
use vagus_jetstream::consumer::ConsumerNamesAnswer;
use vagus_jetstream::consumer::request::ConsumersRequest;
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(
    account: &AccountStreams,
    stream: &str,
    body: &[u8],
) -> Result<ConsumerNamesAnswer, ApiError> {
    let wanted = read(body)?;
    let Paged { page, shown } = account.stream(stream)?.consumer_names(wanted.offset).await?;
    Ok(ConsumerNamesAnswer {
        page,
        consumers: shown,
    })
}

/// Which consumers are wanted: all, if nothing is said.
pub(crate) fn read(body: &[u8]) -> Result<ConsumersRequest, ApiError> {
    match is_empty(body) {
        true => Ok(ConsumersRequest::default()),
        false => ConsumersRequest::from_json(body, true),
    }
}
