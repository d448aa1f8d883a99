//! `STREAM.NAMES`: which streams there are.

use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::{NAMES_LIMIT, NamesAnswer, Paged, StreamsRequest, says_something};
use vagus_jetstream::error::ApiError;

pub(crate) fn answer(account: &AccountStreams, body: &[u8]) -> Result<NamesAnswer, ApiError> {
    let wanted = read(account, body)?;
    let names = account.names(&wanted.subject);
    let Paged { page, shown } = Paged::new(names.into_iter(), wanted.offset, NAMES_LIMIT);
    Ok(NamesAnswer {
        page,
        streams: (!shown.is_empty()).then_some(shown),
    })
}

/// Which streams are wanted: all, if nothing is said.
pub(crate) fn read(account: &AccountStreams, body: &[u8]) -> Result<StreamsRequest, ApiError> {
    match says_something(body) {
        true => StreamsRequest::from_json(body, account.is_strict()),
        false => Ok(StreamsRequest::default()),
    }
}
