//! `STREAM.PURGE`: messages go.

use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::{PurgeAnswer, PurgeRequest, says_something};
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(
    account: &AccountStreams,
    name: &str,
    body: &[u8],
) -> Result<PurgeAnswer, ApiError> {
    let wanted = match says_something(body) {
        true => PurgeRequest::from_json(body, account.is_strict())?,
        false => PurgeRequest::default(),
    };
    if wanted.sequence > 0 && wanted.keep > 0 {
        return Err(ApiError::BAD_REQUEST);
    }
    let purged = account.stream(name)?.purge(wanted).await?;
    Ok(PurgeAnswer {
        success: true,
        purged,
    })
}
