//! `CONSUMER.DELETE`: a consumer goes.

use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::is_empty;
use vagus_jetstream::consumer::DeleteConsumerAnswer;
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(
    account: &AccountStreams,
    (stream, name): (&str, &str),
    body: &[u8],
) -> Result<DeleteConsumerAnswer, ApiError> {
    if !is_empty(body) {
        return Err(ApiError::NOT_EMPTY_REQUEST);
    }
    account.stream(stream)?.delete_consumer(name).await?;
    Ok(DeleteConsumerAnswer { success: true })
}
