//! `/clusterz`: the servers that this one connects to, also those that it does not reach. A page of ours: nats-server shows
//! routes that there are.

use crate::Broker;
use crate::answer::{Document, Refusal};
use crate::dialled::Dialled;
use crate::query::Query;
use crate::units::Time;
use jiff::Timestamp;
use serde::Serialize;
use vagus_actors::cluster::DialledServerState;

pub(super) async fn show(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    let (settings, _) = broker.settings.current();
    let cluster = broker.observatory.cluster().await;
    let dialled = broker.observatory.dialled_servers().await;
    query.document(&Clusterz {
        server_id: &settings.info.server_id,
        server_name: &settings.info.server_name,
        now: Time(Timestamp::now()),
        name: cluster.as_ref().map(|cluster| &*cluster.name),
        members: cluster.as_ref().map_or(&[], |cluster| &cluster.members),
        connect_urls: cluster.as_ref().map_or(&[], |cluster| &cluster.connect_urls),
        dialled: dialled.iter().map(Server::of).collect(),
    })
}

#[derive(Serialize)]
struct Clusterz<'a> {
    server_id: &'a str,
    server_name: &'a str,
    now: Time,
    /// What the cluster is called; nothing if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// The names of the servers that there are routes to.
    members: &'a [String],
    /// Where clients can connect to them.
    connect_urls: &'a [String],
    dialled: Vec<Server<'a>>,
}

/// A server that is dialled.
#[derive(Serialize)]
struct Server<'a> {
    address: &'a str,
    /// The account that the route is for alone, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    is_configured: bool,
    #[serde(flatten)]
    dialled: Dialled<'a>,
    given_up: bool,
}

impl<'a> Server<'a> {
    fn of(server: &'a DialledServerState) -> Self {
        Self {
            address: &server.address,
            account: server.account.as_deref(),
            is_configured: server.is_configured,
            dialled: Dialled::of(&server.dialling),
            given_up: server.dialling.given_up,
        }
    }
}
