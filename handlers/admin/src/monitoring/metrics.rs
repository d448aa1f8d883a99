//! `/metrics`: what Prometheus reads.

mod connections;
mod exporter;
mod exposition;
mod own;

use super::answer::{Document, Refusal};
use super::page::Page;
use super::{subsz, varz};
use crate::Broker;
use exporter::Exporter;
use exposition::Exposition;
use own::Observed;
use vagus_actors::observed::{ConnectionState, Extent};

pub(super) async fn show(broker: &Broker) -> Result<Document, Refusal> {
    broker.pages.count(Page::Metrics);
    let (settings, _) = broker.settings.current();
    let varz = varz::value(broker).await?;
    let subsz = subsz::value(broker).await?;
    let observed = Observed::of(broker).await.ok_or_else(Refusal::ending)?;
    let is_well = broker.observatory.listener().await.is_some();
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
    own::server(&mut text, &settings, &observed);
    own::process(&mut text, broker);
    Ok(Document::metrics(text.finish()))
}
