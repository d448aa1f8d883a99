//! What is stored: nothing, so far.

use crate::Broker;
use crate::answer::Status;
use crate::answer::{Document, Refusal};
use crate::query::{Form, Query};
use crate::units::Time;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) fn show(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    for option in ["accounts", "streams", "consumers", "direct-consumers", "config"] {
        query.flag(option)?;
    }
    for option in ["offset", "limit"] {
        query.integer(option)?;
    }
    let leader_only = query.flag("leader-only")?;
    for option in ["raft", "stream-leader-only"] {
        query.flag(option)?;
    }
    if leader_only {
        return Err(Refusal::filtered());
    }
    let (settings, _) = broker.settings.current();
    query.document(&Jsz {
        memory: 0,
        storage: 0,
        reserved_memory: 0,
        reserved_storage: 0,
        accounts: 0,
        ha_assets: 0,
        api: Api::default(),
        server_id: &settings.info.server_id,
        now: Time(Timestamp::now()),
        disabled: true,
        config: Store::default(),
        streams: 0,
        consumers: 0,
        messages: 0,
        bytes: 0,
        total: 0,
    })
}

/// Groups of servers that agree on what is stored: there are none.
pub(super) fn show_groups(query: &Query) -> Result<Document, Refusal> {
    if query.form() == Form::Message {
        return query.document(&BTreeMap::<(), ()>::new());
    }
    Err(Refusal {
        status: Status::NotFound,
        text: "No Raft nodes registered".to_owned(),
    })
}

#[derive(Serialize)]
struct Jsz<'a> {
    memory: u64,
    storage: u64,
    reserved_memory: u64,
    reserved_storage: u64,
    accounts: u64,
    ha_assets: u64,
    api: Api,
    server_id: &'a str,
    now: Time,
    disabled: bool,
    config: Store,
    streams: u64,
    consumers: u64,
    messages: u64,
    bytes: u64,
    total: u64,
}

#[derive(Serialize, Default)]
struct Api {
    level: u32,
    total: u64,
    errors: u64,
}

#[derive(Serialize, Default)]
struct Store {
    max_memory: u64,
    max_storage: u64,
}
