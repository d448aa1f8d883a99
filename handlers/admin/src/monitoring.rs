//! The pages of nats-server's monitoring port, by their names, in its form.

mod accounts;
mod answer;
mod cluster;
mod connz;
mod health;
mod index;
mod inside;
mod jetstream;
mod metrics;
mod page;
mod query;
mod subjectz;
mod subscription;
mod subsz;
mod units;
mod varz;

pub(crate) use page::PageCounts;

use crate::Broker;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use page::Page;
use query::Query;
use std::sync::Arc;

/// Sets up the pages of `broker` below `root`, which is empty or begins with a slash. They take every path that no
/// other service of the same application takes.
pub fn routes(broker: &Arc<Broker>, root: &str) -> impl Fn(&mut ServiceConfig) + Clone + Send + use<> {
    let site = Arc::new(Site {
        broker: broker.clone(),
        root: root.to_owned(),
    });
    move |config| {
        config
            .app_data(Data::from(site.clone()))
            .default_service(web::to(show));
    }
}

/// A broker and where its pages are.
struct Site {
    broker: Arc<Broker>,
    root: String,
}

/// Any request, with any method, as nats-server takes them.
async fn show(request: HttpRequest, site: Data<Site>) -> HttpResponse {
    let path = request.path();
    if let Some(canonical) = page::canonical(path) {
        return answer::redirect(&canonical, request.query_string());
    }
    let Some(page) = Page::below(&site.root, path) else {
        return answer::not_found();
    };
    let query = Query::of(request.query_string());
    let broker = &*site.broker;
    let _turn = match page {
        // That is told whatever else is asked.
        Page::Healthz => None,
        _ => broker.turns.acquire().await.ok(),
    };
    let shown = match page {
        Page::Index => Ok(index::show(broker, &site.root)),
        Page::Varz => varz::show(broker).await,
        Page::Connz => connz::show(broker, &query).await,
        Page::Routez => cluster::show_routes(broker, &query),
        Page::Gatewayz => cluster::show_gateways(broker, &query),
        Page::Leafz => cluster::show_leaf_nodes(broker, &query),
        Page::Subsz => subsz::show(broker, &query).await,
        Page::Accountz => accounts::show(broker, &query).await,
        Page::Accstatz => accounts::show_traffic(broker, &query).await,
        Page::Jsz => jetstream::show(broker, &query),
        Page::Healthz => health::show(broker, &query).await,
        Page::Subjectz => subjectz::show(broker, &query).await,
        Page::Metrics => metrics::show(broker).await,
        Page::Stacksz => inside::show_stacks(broker).await,
        Page::Ipqueuesz => inside::show_queues(broker, &query).await,
        Page::Raftz => jetstream::show_groups(),
        Page::Variables => inside::show_variables(),
    };
    match shown {
        Ok(document) => document.respond(),
        Err(refusal) => answer::refuse(refusal.status, &refusal.text),
    }
}
