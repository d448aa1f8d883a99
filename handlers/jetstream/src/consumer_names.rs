//! `CONSUMER.NAMES`: which consumers a stream has.

use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::{Paged, says_something};
use vagus_jetstream::consumer::ConsumerNamesAnswer;
use vagus_jetstream::consumer::request::ConsumersRequest;
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(
    account: &AccountStreams,
    stream: &str,
    body: &[u8],
) -> Result<ConsumerNamesAnswer, ApiError> {
    let wanted = read(account, body)?;
    let Paged { page, shown } = account.stream(stream)?.consumer_names(wanted.offset).await?;
    Ok(ConsumerNamesAnswer {
        page,
        consumers: shown,
    })
}

/// Which consumers are wanted: all, if nothing is said.
pub(crate) fn read(account: &AccountStreams, body: &[u8]) -> Result<ConsumersRequest, ApiError> {
    match says_something(body) {
        true => ConsumersRequest::from_json(body, account.is_strict()),
        false => Ok(ConsumersRequest::default()),
    }
}
