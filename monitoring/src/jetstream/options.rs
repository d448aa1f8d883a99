//! What is asked for of what is stored.

use crate::answer::Refusal;
use crate::query::Query;

/// How many accounts are shown if nothing is said.
const ACCOUNTS: usize = 1024;

/// How much is to be told. Some stands for more: consumers for streams, streams for accounts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Only this account, if there is it.
    pub(super) account: Option<String>,
    pub(super) accounts: bool,
    pub(super) streams: bool,
    pub(super) consumers: bool,
    pub(super) direct_consumers: bool,
    pub(super) config: bool,
    pub(super) leader_only: bool,
    pub(super) raft: bool,
    /// From which account on, and how many.
    pub(super) offset: usize,
    pub(super) limit: usize,
    /// The same of the streams of each account, which nats-server does not have.
    pub(super) stream_offset: usize,
    pub(super) stream_limit: usize,
}

impl Options {
    pub(super) fn of(query: &Query) -> Result<Self, Refusal> {
        let accounts = query.flag("accounts")?;
        let streams = query.flag("streams")?;
        let consumers = query.flag("consumers")?;
        let direct_consumers = query.flag("direct-consumers")?;
        let config = query.flag("config")?;
        let offset = query.integer("offset")?;
        let limit = query.integer("limit")?;
        let leader_only = query.flag("leader-only")?;
        let raft = query.flag("raft")?;
        // One server leads all its streams.
        query.flag("stream-leader-only")?;
        let stream_offset = query.natural("stream-offset")?;
        let stream_limit = query.natural("stream-limit")?;
        let account = query.text("acc").map(ToOwned::to_owned);
        let streams = streams || consumers;
        let natural = |number: i64| usize::try_from(number).unwrap_or(0);
        Ok(Self {
            accounts: accounts || (streams && account.is_none()),
            // Below 0 there is no limit.
            limit: match limit {
                0 => ACCOUNTS,
                limit => usize::try_from(limit).unwrap_or(usize::MAX),
            },
            offset: natural(offset),
            stream_offset: usize::try_from(stream_offset).unwrap_or(usize::MAX),
            stream_limit: match stream_limit {
                0 => usize::MAX,
                limit => usize::try_from(limit).unwrap_or(usize::MAX),
            },
            account,
            streams,
            consumers,
            direct_consumers,
            config,
            leader_only,
            raft,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{ACCOUNTS, Options};
    use crate::query::Query;

    #[test]
    fn some_stands_for_more() {
        let options = |text| Options::of(&Query::of(text)).unwrap();
        let plain = options("");
        assert!(!plain.accounts && !plain.streams && plain.limit == ACCOUNTS);
        let all = options("consumers=true");
        assert!(all.accounts && all.streams && all.consumers && !all.config);
        let one = options("consumers=1&acc=A");
        assert!(!one.accounts && one.streams);
        assert_eq!(one.account.as_deref(), Some("A"));
        let part = options("offset=-3&limit=-1");
        assert_eq!((part.offset, part.limit), (0, usize::MAX));
        let part = options("streams=1&stream-offset=7&stream-limit=5");
        assert_eq!((part.stream_offset, part.stream_limit), (7, 5));
    }
}
