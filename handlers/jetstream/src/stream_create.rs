//! `STREAM.CREATE`: a stream is made.

use crate::answering::described;
use std::sync::Arc;
use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::{CreateAnswer, StreamInfoRequest};
use vagus_jetstream::config::StreamConfigRequest;
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(
    account: &Arc<AccountStreams>,
    name: &str,
    body: &[u8],
) -> Result<CreateAnswer, ApiError> {
    let request = StreamConfigRequest::from_json(body, account.is_strict())?;
    account.create(name, request).await?;
    let shown = account.stream(name)?.show(StreamInfoRequest::default()).await?;
    Ok(CreateAnswer {
        info: Some(described(account, shown)),
        did_create: true,
    })
}
