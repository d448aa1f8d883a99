//! `/metrics`: what Prometheus reads.

mod accounts;
mod cluster;
mod connections;
mod connectors;
mod exporter;
mod exposition;
mod gateways;
mod links;
mod own;
mod peers;
mod streams;

use exporter::Exporter;
use exposition::Exposition;
use own::Observed;
use vagus_actors::observed::{ConnectionState, Extent};
use vagus_monitoring::{Broker, Document, Refusal, Status, is_well, subsz_value, varz_value};

/// The text format of Prometheus.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn show(broker: &Broker) -> Result<Document, Refusal> {
    let _turn = broker.turn().await;
    let (settings, _) = broker.settings.current();
    let mut varz = varz_value(broker).await?;
    if let Some(fields) = varz.as_object_mut() {
        // They have names of their own.
        fields.remove("connectors");
    }
    let subsz = subsz_value(broker)?;
    let observed = Observed::of(broker).await.ok_or_else(Refusal::ending)?;
    let is_well = is_well(broker).await;
    let mut text = Exposition::default();
    let mut exporter = Exporter {
        prefix: &settings.config.metrics.prefix,
        server_id: &settings.info.server_id,
        text: &mut text,
    };
    exporter.page("varz", &varz);
    exporter.page("subsz", &subsz);
    exporter.health(is_well);
    if settings.config.metrics.connections {
        let shown = broker
            .observatory
            .connections(0, connections::LIMIT, Extent::State)
            .await;
        let states: Vec<&ConnectionState> = shown.iter().map(|connection| &connection.state).collect();
        exporter.connections(&states, observed.monitor.connections);
    }
    let (shown, counts) = accounts::observed(broker);
    exporter.accounts(&shown);
    accounts::count(&mut text, &counts);
    own::server(&mut text, &settings, &observed);
    if let Some(observed) = streams::Observed::of(broker).await {
        streams::write(&mut text, &settings, &observed);
    }
    cluster::write(&mut text, &cluster::Observed::of(broker).await);
    links::write(&mut text, &links::Observed::of(broker).await);
    if let Some(observed) = gateways::Observed::of(broker).await {
        gateways::write(&mut text, &observed);
    }
    connectors::write(&mut text, &broker.connectors().await);
    own::process(&mut text, broker);
    Ok(Document {
        status: Status::Ok,
        content_type: FORMAT,
        body: text.finish().into_bytes(),
    })
}
