//! `STREAM.DELETE`: a stream goes, with all its messages.

use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::{DeleteAnswer, is_empty};
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(
    account: &AccountStreams,
    name: &str,
    body: &[u8],
) -> Result<DeleteAnswer, ApiError> {
    if !is_empty(body) {
        return Err(ApiError::NOT_EMPTY_REQUEST);
    }
    account.delete(name).await?;
    Ok(DeleteAnswer { success: true })
}
