//! `CONSUMER.RESET`: a consumer begins anew.

use crate::answering::WithIdentity;
use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::is_empty;
use vagus_jetstream::consumer::ResetConsumerAnswer;
use vagus_jetstream::consumer::request::ResetRequest;
use vagus_jetstream::error::ApiError;
use vagus_jetstream::header;

pub(crate) async fn answer(
    account: &AccountStreams,
    (stream, name): (&str, &str),
    headers: &[u8],
    body: &[u8],
) -> Result<WithIdentity<ResetConsumerAnswer>, ApiError> {
    let wanted = match is_empty(body) {
        true => ResetRequest::default(),
        false => ResetRequest::from_json(body, account.is_strict())?,
    };
    let stream = account.stream(stream)?;
    let (info, next) = stream.reset_consumer(name, wanted).await?;
    let is_asked_for = header::get(headers, header::STREAM_IDENTITY).is_some();
    Ok(WithIdentity {
        identity: is_asked_for.then(|| stream.identity().to_owned()),
        answer: ResetConsumerAnswer {
            info: Some(info.shown(account.version())),
            reset_seq: next,
        },
    })
}
