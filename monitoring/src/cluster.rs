//! Other servers: those of the cluster. There are no others so far.

use crate::Broker;
use crate::answer::{Document, Refusal};
use crate::query::Query;
use crate::units::{RoundTrip, Time, Uptime, time_of};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use vagus_actors::observed::ConnectionState;

/// More routes than any cluster has.
pub(super) const ROUTES_AT_MOST: usize = 1024;

pub(super) async fn show_routes(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    query.subscriptions()?;
    let (settings, _) = broker.settings.current();
    let observed = broker.observatory.routes(ROUTES_AT_MOST).await;
    let routes: Vec<Route<'_>> = observed
        .iter()
        .filter_map(|route| Route::of(&route.state))
        .collect();
    query.document(&Routez {
        server_id: &settings.info.server_id,
        server_name: &settings.info.server_name,
        now: Time(Timestamp::now()),
        num_routes: routes.len(),
        routes,
    })
}

/// A route, as nats-server shows it.
#[derive(Serialize)]
struct Route<'a> {
    rid: u64,
    remote_id: &'a str,
    remote_name: &'a str,
    did_solicit: bool,
    is_configured: bool,
    ip: IpAddr,
    port: u16,
    start: Time,
    last_activity: Time,
    rtt: RoundTrip,
    uptime: Uptime,
    idle: Uptime,
    pending_size: usize,
    in_msgs: u64,
    out_msgs: u64,
    in_bytes: u64,
    out_bytes: u64,
    subscriptions: usize,
    compression: &'static str,
}

impl<'a> Route<'a> {
    /// None as long as the server has not said who it is.
    fn of(state: &'a ConnectionState) -> Option<Self> {
        let server = state.client.server.as_ref()?;
        Some(Self {
            rid: state.id,
            remote_id: &server.id,
            remote_name: &state.client.name,
            did_solicit: server.is_dialled,
            is_configured: server.is_configured,
            ip: state.peer.ip(),
            port: state.peer.port(),
            start: time_of(state.opened),
            last_activity: time_of(state.active),
            rtt: RoundTrip(state.round_trip.unwrap_or_default()),
            uptime: Uptime(state.uptime),
            idle: Uptime(state.idle),
            pending_size: state.pending,
            in_msgs: state.messages_in,
            out_msgs: state.messages_out,
            in_bytes: state.payload_in,
            out_bytes: state.payload_out,
            subscriptions: state.subscriptions,
            compression: "off",
        })
    }
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
    routes: Vec<Route<'a>>,
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
