//! `STREAM.MSG.GET`: a message, in JSON.

use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::{GetAnswer, GetRequest, is_empty};
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(account: &AccountStreams, name: &str, body: &[u8]) -> Result<GetAnswer, ApiError> {
    if is_empty(body) {
        return Err(ApiError::BAD_REQUEST);
    }
    let wanted = GetRequest::from_json(body, account.is_strict())?;
    wanted.check_single()?;
    let message = account.stream(name)?.get(wanted).await?;
    Ok(GetAnswer {
        message: Some(message),
    })
}
