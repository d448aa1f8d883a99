//! `STREAM.UPDATE`: a stream is configured anew.

use crate::answering::described;
use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::{StreamInfoRequest, UpdateAnswer};
use vagus_jetstream::config::StreamConfigRequest;
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(
    account: &AccountStreams,
    name: &str,
    body: &[u8],
) -> Result<UpdateAnswer, ApiError> {
    let request = StreamConfigRequest::from_json(body, account.is_strict())?;
    account.update(name, request).await?;
    let shown = account.stream(name)?.show(StreamInfoRequest::default()).await?;
    Ok(UpdateAnswer {
        info: Some(described(account, shown)),
    })
}
