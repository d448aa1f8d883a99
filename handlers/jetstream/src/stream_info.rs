//! `STREAM.INFO`: what a stream is and has.

use crate::answering::described;
use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::{ClusterInfo, InfoAnswer, StreamInfo, StreamInfoRequest, says_something};
use vagus_jetstream::error::ApiError;

pub(crate) async fn answer(
    account: &AccountStreams,
    name: &str,
    body: &[u8],
) -> Result<InfoAnswer, ApiError> {
    let wanted = match says_something(body) {
        true => StreamInfoRequest::from_json(body, account.is_strict())?,
        false => StreamInfoRequest::default(),
    };
    let shown = account.stream(name)?.show(wanted).await?;
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
