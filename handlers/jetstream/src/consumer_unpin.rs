//! `CONSUMER.UNPIN`: no client is the only one any more that a consumer serves.

use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::consumer::UnpinConsumerAnswer;
use vagus_jetstream::consumer::request::UnpinRequest;
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(
    account: &AccountStreams,
    (stream, name): (&str, &str),
    body: &[u8],
) -> Result<UnpinConsumerAnswer, ApiError> {
    let wanted = UnpinRequest::from_json(body, account.is_strict())?;
    wanted.check()?;
    account.stream(stream)?.unpin_consumer(name, wanted).await?;
    Ok(UnpinConsumerAnswer {})
}
