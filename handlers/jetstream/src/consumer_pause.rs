//! `CONSUMER.PAUSE`: a consumer delivers nothing until a time, or does again.

use crate::answering::now;
use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::says_something;
use vagus_jetstream::consumer::PauseConsumerAnswer;
use vagus_jetstream::consumer::request::PauseRequest;
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(
    account: &AccountStreams,
    (stream, name): (&str, &str),
    body: &[u8],
) -> Result<PauseConsumerAnswer, ApiError> {
    let wanted = match says_something(body) {
        true => PauseRequest::from_json(body, account.is_strict())?,
        false => PauseRequest::default(),
    };
    let info = account.stream(stream)?.pause_consumer(name, wanted).await?;
    let until = info.config.pause_until.as_ref().map(|until| until.time());
    let left = until.map_or(0, |until| until.since(now()).max(0));
    Ok(PauseConsumerAnswer {
        paused: left > 0,
        pause_until: until,
        pause_remaining: left,
    })
}
