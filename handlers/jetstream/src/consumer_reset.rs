//! `CONSUMER.RESET`: a consumer begins anew.

use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::is_empty;
use vagus_jetstream::consumer::ResetConsumerAnswer;
use vagus_jetstream::consumer::request::ResetRequest;
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(
    account: &AccountStreams,
    (stream, name): (&str, &str),
    body: &[u8],
) -> Result<ResetConsumerAnswer, ApiError> {
    let wanted = match is_empty(body) {
        true => ResetRequest::default(),
        false => ResetRequest::from_json(body, account.is_strict())?,
    };
    let (info, next) = account.stream(stream)?.reset_consumer(name, wanted).await?;
    Ok(ResetConsumerAnswer {
        info: Some(info.shown(account.version())),
        reset_seq: next,
    })
}
