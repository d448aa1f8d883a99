//! `CONSUMER.CREATE` and `CONSUMER.DURABLE.CREATE`: a consumer is made, or becomes another.

use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::consumer::CreateConsumerAnswer;
use vagus_jetstream::consumer::request::{ConsumerForm, CreateConsumerRequest};
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(
    account: &AccountStreams,
    (stream, form): (&str, ConsumerForm<'_>),
    body: &[u8],
) -> Result<CreateConsumerAnswer, ApiError> {
    let mut request = CreateConsumerRequest::from_json(body, account.is_strict())?;
    request.meet(stream, form)?;
    let info = account.stream(stream)?.create_consumer(request).await?;
    Ok(CreateConsumerAnswer {
        info: Some(info.shown(account.version())),
    })
}
