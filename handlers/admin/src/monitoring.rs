//! The pages of nats-server's monitoring port, by their names, in its form.

mod index;
mod metrics;
mod path;

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use std::sync::Arc;
use vagus_monitoring::{Broker, Document, Page, Query, Refusal};

const HTML: &str = "text/html; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

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
    if let Some(canonical) = path::canonical(path) {
        return redirect(&canonical, request.query_string());
    }
    let Some(page) = Page::below(&site.root, path) else {
        return refuse(StatusCode::NOT_FOUND, "404 page not found\n");
    };
    let broker = &*site.broker;
    broker.pages.count(page);
    let query = Query::of(request.query_string());
    let shown = match page {
        Page::Index => Ok(index::show(broker, &site.root)),
        Page::Metrics => metrics::show(broker).await,
        page => vagus_monitoring::answer(broker, page, &query).await,
    };
    match shown {
        Ok(document) => respond(document),
        Err(Refusal { status, text }) => refuse(status_of(status), &text),
    }
}

fn status_of(status: vagus_monitoring::Status) -> StatusCode {
    // Each has one.
    StatusCode::from_u16(status.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The answer to a request; pages of other hosts may read it.
fn respond(document: Document) -> HttpResponse {
    HttpResponse::build(status_of(document.status))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((CONTENT_TYPE, document.content_type))
        .body(document.body)
}

/// Plain text that says what is wrong.
fn refuse(status: StatusCode, text: &str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, PLAIN))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(text.to_owned())
}

/// The page is at this path of ours.
fn redirect(path: &str, query: &str) -> HttpResponse {
    let location = if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    };
    HttpResponse::TemporaryRedirect()
        .insert_header((LOCATION, location))
        .insert_header((CONTENT_TYPE, HTML))
        .body("<p>This page has another path.</p>\n")
}
