//! Links between leaf nodes and hubs.

use crate::Broker;
use crate::answer::{Document, Refusal, SUBSCRIPTIONS_AT_MOST};
use crate::dialled::Dialled;
use crate::query::Query;
use crate::units::{Decimal, RoundTrip, Time};
use jiff::Timestamp;
use serde::Serialize;
use std::net::IpAddr;
use vagus_actors::leafnodes::HubState;
use vagus_actors::observed::Extent;
use vagus_actors::{ObservedConnection, ask_again};
use vagus_configs::{Config, LeafRemote};

/// More links than a server has.
pub(super) const LINKS_AT_MOST: usize = 65_536;

pub(super) async fn show(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    let with_subscriptions = query.flag("subs")?;
    let account = query.text("acc");
    let (settings, _) = broker.settings.current();
    let mut observed = broker.observatory.links(LINKS_AT_MOST).await;
    if account.is_some() {
        observed.retain(|link| link.state.account.as_deref() == account);
    }
    if with_subscriptions {
        let all: usize = observed.iter().map(|link| link.state.subscriptions).sum();
        if all > SUBSCRIPTIONS_AT_MOST {
            return Err(Refusal::too_large());
        }
        observed = ask_again(observed, Extent::Subscriptions).await;
    }
    let leafs: Vec<Leaf<'_>> = observed.iter().filter_map(Leaf::of).collect();
    let mut hubs = broker.observatory.hubs().await;
    hubs.retain(|hub| account.is_none_or(|account| hub.account == account));
    query.document(&Leafz {
        server_id: &settings.info.server_id,
        now: Time(Timestamp::now()),
        leafnodes: leafs.len(),
        leafs,
        remotes: hubs.iter().map(Hub::of).collect(),
    })
}

#[derive(Serialize)]
struct Leafz<'a> {
    server_id: &'a str,
    now: Time,
    leafnodes: usize,
    leafs: Vec<Leaf<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remotes: Vec<Hub<'a>>,
}

/// A hub of the configuration, whether or not there is a link to it: nats-server shows no such thing.
#[derive(Serialize)]
struct Hub<'a> {
    account: &'a str,
    urls: &'a [String],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disabled: bool,
    #[serde(flatten)]
    dialled: Dialled<'a>,
}

impl<'a> Hub<'a> {
    fn of(hub: &'a HubState) -> Self {
        Self {
            account: &hub.account,
            urls: &hub.urls,
            disabled: hub.dialling.is_none(),
            dialled: hub.dialling.as_ref().map(Dialled::of).unwrap_or_default(),
        }
    }
}

/// A link, as nats-server shows it.
#[derive(Serialize)]
struct Leaf<'a> {
    id: u64,
    name: &'a str,
    is_spoke: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_isolated: bool,
    account: &'a str,
    ip: IpAddr,
    port: u16,
    rtt: RoundTrip,
    in_msgs: u64,
    out_msgs: u64,
    in_bytes: u64,
    out_bytes: u64,
    subscriptions: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list: Vec<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    compression: &'static str,
}

impl<'a> Leaf<'a> {
    /// None as long as there is no link. Its subscriptions are those that it was asked for.
    fn of(link: &'a ObservedConnection) -> Option<Self> {
        let ObservedConnection {
            state, subscriptions, ..
        } = link;
        let info = state.client.link.as_ref()?;
        let subjects = subscriptions
            .iter()
            .map(|subscription| String::from_utf8_lossy(&subscription.subject).into_owned());
        Some(Self {
            id: state.id,
            name: &info.server,
            is_spoke: info.is_spoke,
            is_isolated: info.is_isolated,
            account: state.account.as_deref().unwrap_or_default(),
            ip: state.peer.ip(),
            port: state.peer.port(),
            rtt: RoundTrip(state.round_trip.unwrap_or_default()),
            in_msgs: state.messages_in,
            out_msgs: state.messages_out,
            in_bytes: state.payload_in,
            out_bytes: state.payload_out,
            subscriptions: state.subscriptions,
            subscriptions_list: subjects.collect(),
            compression: info.compression,
        })
    }
}

/// How leaf nodes and hubs are set, in `/varz`: an empty object where there are none.
#[derive(Serialize, Default)]
pub(super) struct LeafSection<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    host: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_timeout: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_timeout: Option<Decimal>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_required: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_verify: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remotes: Vec<RemoteSection<'a>>,
}

#[derive(Serialize)]
struct RemoteSection<'a> {
    local_account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_timeout: Option<Decimal>,
    urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deny: Option<Denied<'a>>,
}

#[derive(Serialize)]
struct Denied<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    exports: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    imports: &'a [String],
}

impl<'a> LeafSection<'a> {
    pub(super) fn of(config: &'a Config) -> Self {
        let leafnodes = &config.leafnodes;
        let remotes = leafnodes.remotes.iter().map(RemoteSection::of).collect();
        let Some(listener) = &leafnodes.listener else {
            return Self {
                remotes,
                ..Self::default()
            };
        };
        let settings = &listener.settings;
        let tls = settings.tls.as_ref();
        Self {
            host: &settings.listen.host,
            port: Some(settings.listen.port.to_bind()),
            auth_timeout: Some(Decimal(settings.auth_timeout.as_secs_f64())),
            // As in nats-server, it is said whether or not TLS is spoken.
            tls_timeout: Some(Decimal(
                tls.map_or(vagus_tls::Settings::default().timeout, |tls| tls.timeout)
                    .as_secs_f64(),
            )),
            tls_required: tls.is_some(),
            tls_verify: tls.is_some_and(vagus_tls::Settings::verifies),
            remotes,
        }
    }
}

impl<'a> RemoteSection<'a> {
    fn of(remote: &'a LeafRemote) -> Self {
        let denies = !remote.deny_exports.is_empty() || !remote.deny_imports.is_empty();
        Self {
            local_account: &remote.account,
            tls_timeout: remote.tls.as_ref().map(|tls| Decimal(tls.timeout.as_secs_f64())),
            urls: remote.urls.iter().map(ToString::to_string).collect(),
            deny: denies.then_some(Denied {
                exports: &remote.deny_exports,
                imports: &remote.deny_imports,
            }),
        }
    }
}
