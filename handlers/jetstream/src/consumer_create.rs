//! `CONSUMER.CREATE` and `CONSUMER.DURABLE.CREATE`: a consumer is made, or becomes another.

use crate::answering::WithIdentity;
use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::consumer::CreateConsumerAnswer;
use vagus_jetstream::consumer::request::{ConsumerForm, CreateConsumerRequest};
use vagus_jetstream::error::ApiError;
use vagus_jetstream::header;

pub(crate) async fn answer(
    account: &AccountStreams,
    (stream, form): (&str, ConsumerForm<'_>),
    headers: &[u8],
    body: &[u8],
) -> Result<WithIdentity<CreateConsumerAnswer>, ApiError> {
    let mut request = CreateConsumerRequest::from_json(body, account.is_strict())?;
    request.meet(stream, form)?;
    let identity = header::said(headers, header::STREAM_IDENTITY).unwrap_or_default();
    request.identity = String::from_utf8_lossy(identity).into_owned();
    let is_for_stream = request.config.direct || request.config.sourcing;
    let stream = account.stream(stream)?;
    let info = stream.create_consumer(request).await?;
    Ok(WithIdentity {
        identity: is_for_stream.then(|| stream.identity().to_owned()),
        answer: CreateConsumerAnswer {
            info: Some(info.shown(account.version())),
        },
    })
}
