//! `INFO`: what an account has and may have.

use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::AccountAnswer;

pub(crate) fn answer(account: &AccountStreams) -> AccountAnswer {
    AccountAnswer {
        info: Some(account.info()),
    }
}
