//! The page: files that are part of the program.

use actix_web::http::header;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Route, guard};

/// The folder of all files but the first.
const FOLDER: &str = "/page/";

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

const INDEX: &str = include_str!("page/index.html");

/// A file's name, type and content.
const FILES: [(&str, &str, &str); 25] = [
    ("accounts.js", SCRIPT, include_str!("page/accounts.js")),
    ("chart.js", SCRIPT, include_str!("page/chart.js")),
    ("cluster.js", SCRIPT, include_str!("page/cluster.js")),
    ("configuration.js", SCRIPT, include_str!("page/configuration.js")),
    ("connections.js", SCRIPT, include_str!("page/connections.js")),
    ("connectors.js", SCRIPT, include_str!("page/connectors.js")),
    ("consumers.js", SCRIPT, include_str!("page/consumers.js")),
    ("difference.js", SCRIPT, include_str!("page/difference.js")),
    ("format.js", SCRIPT, include_str!("page/format.js")),
    ("gateways.js", SCRIPT, include_str!("page/gateways.js")),
    ("icon.svg", IMAGE, include_str!("page/icon.svg")),
    ("leafnodes.js", SCRIPT, include_str!("page/leafnodes.js")),
    ("messages.js", SCRIPT, include_str!("page/messages.js")),
    ("operations.js", SCRIPT, include_str!("page/operations.js")),
    ("overview.js", SCRIPT, include_str!("page/overview.js")),
    ("page.css", STYLE, include_str!("page/page.css")),
    ("page.js", SCRIPT, include_str!("page/page.js")),
    ("question.js", SCRIPT, include_str!("page/question.js")),
    ("rates.js", SCRIPT, include_str!("page/rates.js")),
    ("server.js", SCRIPT, include_str!("page/server.js")),
    ("stored.js", SCRIPT, include_str!("page/stored.js")),
    ("stream.js", SCRIPT, include_str!("page/stream.js")),
    ("streams.js", SCRIPT, include_str!("page/streams.js")),
    ("subjects.js", SCRIPT, include_str!("page/subjects.js")),
    ("table.js", SCRIPT, include_str!("page/table.js")),
];

/// Sets up the page below `root`.
pub(crate) fn routes(config: &mut ServiceConfig, root: &str) {
    config.route(
        &format!("{root}/"),
        looking().to(|| std::future::ready(file(HTML, INDEX))),
    );
    for (name, kind, content) in FILES {
        config.route(
            &format!("{root}{FOLDER}{name}"),
            looking().to(move || std::future::ready(file(kind, content))),
        );
    }
}

fn looking() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

fn file(kind: &'static str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, kind))
        // Another version of the server has other files under the same names.
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(content)
}

#[cfg(test)]
mod tests {
    use super::{FILES, INDEX};
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_file_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page");
        for entry in fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let served = name == "index.html" || FILES.iter().any(|(file, ..)| *file == name);
            assert!(served, "{name}");
        }
    }

    #[test]
    fn nothing_is_asked_of_other_hosts_and_nothing_stands_inline() {
        for (name, _, content) in FILES.iter().chain([&("index.html", "", INDEX)]) {
            for line in content.lines() {
                let foreign = line.replace("http://www.w3.org/2000/svg", "");
                assert!(!foreign.contains("://"), "{name}: {line}");
                assert!(
                    !line.contains("style=\"") && !line.contains("innerHTML"),
                    "{name}: {line}"
                );
            }
        }
    }
}
