//! What operators are shown of all streams, beyond what the API tells.

use super::figures::{StreamCounts, StreamTotals};
use super::stream::StreamAddress;
use super::{AccountStreams, JetStream, OpenedStreams};
use std::path::PathBuf;
use vagus_jetstream::account::ApiCounters;
use vagus_jetstream::held::Messages as _;

/// What the folder of streams is called, in the one that a server is given.
pub const FOLDER: &str = "jetstream";

/// How many streams that are not well are told of at once.
const AILING_AT_MOST: usize = 1024;

/// A stream that is not well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AilingStream {
    /// Its account.
    pub account: String,
    /// Its name.
    pub name: String,
    /// Why nothing gets in; None: it could not be opened.
    pub failure: Option<String>,
}

impl AccountStreams {
    /// What each of its streams has, by name. Asks nobody.
    pub fn counts(&self) -> Vec<(StreamAddress, StreamCounts)> {
        let streams = self.streams().into_iter();
        let counts = streams.map(|stream| {
            let counts = stream.figures().read();
            (stream, counts)
        });
        counts.collect()
    }

    /// What its streams have together. Asks nobody.
    pub fn totals(&self) -> StreamTotals {
        self.counts().into_iter().map(|(_, counts)| counts.into()).sum()
    }
}

impl OpenedStreams {
    /// What was found.
    pub fn restored(&self) -> StreamTotals {
        let each = self.streams.iter().map(|found| StreamTotals {
            streams: 1,
            consumers: found.machine.consumer_count() as u64,
            messages: found.machine.held().count(),
            bytes: found.machine.held().bytes(),
        });
        each.sum()
    }
}

impl JetStream {
    /// What all streams have together. Asks nobody.
    pub fn totals(&self) -> StreamTotals {
        self.accounts().iter().map(|account| account.totals()).sum()
    }

    /// How often the API of any account was asked.
    pub fn api(&self) -> ApiCounters {
        let accounts = self.accounts();
        let counted = accounts.iter().map(|account| account.api());
        counted.fold(ApiCounters::default(), |all, one| ApiCounters {
            total: all.total + one.total,
            errors: all.errors + one.errors,
        })
    }

    /// The folder that streams are kept in.
    pub fn folder(&self) -> PathBuf {
        self.server.folder.join(FOLDER)
    }

    /// The streams that are not well, of this account or of all: the first of them. Asks nobody.
    pub fn ailing(&self, account: Option<&str>) -> Vec<AilingStream> {
        let is_asked_for = |name: &str| account.is_none_or(|account| account == name);
        let mut ailing: Vec<AilingStream> = self.unusable.to_vec();
        ailing.retain(|stream| is_asked_for(&stream.account));
        for account in self.accounts() {
            let name = account.routed().account.name();
            if !is_asked_for(name) {
                continue;
            }
            ailing.extend(account.streams().into_iter().filter_map(|stream| {
                Some(AilingStream {
                    account: name.to_owned(),
                    name: stream.name().to_owned(),
                    failure: Some(stream.figures().failure()?.to_string()),
                })
            }));
        }
        ailing.truncate(AILING_AT_MOST);
        ailing
    }
}
