//! Other servers: none, so far.

use crate::Broker;
use crate::answer::{Document, Refusal};
use crate::query::Query;
use crate::units::Time;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) fn show_routes(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    query.subscriptions()?;
    let (settings, _) = broker.settings.current();
    query.document(&Routez {
        server_id: &settings.info.server_id,
        server_name: &settings.info.server_name,
        now: Time(Timestamp::now()),
        num_routes: 0,
        routes: [],
    })
}

pub(super) fn show_gateways(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    query.subscriptions()?;
    query.flag("accs")?;
    let (settings, _) = broker.settings.current();
    query.document(&Gatewayz {
        server_id: &settings.info.server_id,
        now: Time(Timestamp::now()),
        outbound_gateways: BTreeMap::new(),
        inbound_gateways: BTreeMap::new(),
    })
}

pub(super) fn show_leaf_nodes(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    query.flag("subs")?;
    let (settings, _) = broker.settings.current();
    query.document(&Leafz {
        server_id: &settings.info.server_id,
        now: Time(Timestamp::now()),
        leafnodes: 0,
        leafs: [],
    })
}

/// No other server.
type Nobody = [(); 0];

#[derive(Serialize)]
struct Routez<'a> {
    server_id: &'a str,
    server_name: &'a str,
    now: Time,
    num_routes: usize,
    routes: Nobody,
}

#[derive(Serialize)]
struct Gatewayz<'a> {
    server_id: &'a str,
    now: Time,
    outbound_gateways: BTreeMap<&'a str, Nobody>,
    inbound_gateways: BTreeMap<&'a str, Nobody>,
}

#[derive(Serialize)]
struct Leafz<'a> {
    server_id: &'a str,
    now: Time,
    leafnodes: usize,
    leafs: Nobody,
}
