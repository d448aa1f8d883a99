//! `STREAM.INFO`: what a stream is and has.

use crate::answering::described;
use std::time::Instant;
use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::{ClusterInfo, InfoAnswer, StreamInfo, StreamInfoRequest, says_something};
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(
    account: &AccountStreams,
    name: &str,
    body: &[u8],
    came_at: Instant,
) -> Result<InfoAnswer, ApiError> {
    let wanted = match says_something(body) {
        true => StreamInfoRequest::from_json(body, account.is_strict())?,
        false => StreamInfoRequest::default(),
    };
    let shown = account.stream(name)?.show_as_of(wanted, came_at).await?;
    let page = shown.page;
    let info = StreamInfo {
        cluster: Some(ClusterInfo {
            leader: account.server_name().to_owned(),
            ..ClusterInfo::default()
        }),
        ..described(account, shown)
    };
    Ok(InfoAnswer {
        page,
        info: Some(info),
    })
}
