//! The pages of nats-server's monitoring port, by their names, in its form.

mod answer;
mod health;
mod metrics;
mod page;
mod query;
mod subjectz;
mod units;
mod varz;

pub(crate) use page::PageCounts;

use crate::Broker;
use actix_web::http::StatusCode;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use page::Page;
use query::Query;
use std::sync::Arc;

/// Sets up the pages of `broker` below `root`, which is empty or begins with a slash. They take every path that no
/// other service of the same application takes.
pub fn routes(broker: &Arc<Broker>, root: &str) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
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
    let Some(page) = path.strip_prefix(&*site.root).and_then(Page::at) else {
        return answer::not_found();
    };
    let query = Query::of(request.query_string());
    let callback = match query.callback() {
        Ok(callback) => callback,
        Err(refusal) => return answer::refuse(StatusCode::BAD_REQUEST, &refusal),
    };
    let broker = &*site.broker;
    let shown = match page {
        Page::Varz => varz::show(broker).await,
        Page::Healthz => health::show(broker, &query).await,
        Page::Subjectz => subjectz::show(broker, &query).await,
        Page::Metrics => metrics::show(broker).await,
    };
    match shown {
        Ok(document) => document.respond(callback.as_deref()),
        Err(refusal) => answer::refuse(refusal.status, &refusal.text),
    }
}
