//! `STREAM.MSG.DELETE`: a message goes.

use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::{DeleteMessageAnswer, DeleteMessageRequest, is_empty};
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(
    account: &AccountStreams,
    name: &str,
    body: &[u8],
) -> Result<DeleteMessageAnswer, ApiError> {
    if is_empty(body) {
        return Err(ApiError::BAD_REQUEST);
    }
    let wanted = DeleteMessageRequest::from_json(body, account.is_strict())?;
    account.stream(name)?.delete_message(wanted).await?;
    Ok(DeleteMessageAnswer { success: true })
}
