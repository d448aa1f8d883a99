//! The description of the admin service for programs.

use actix_web::HttpResponse;

const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /v1/openapi.json`
pub(crate) async fn show() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DOCUMENT)
}

#[cfg(test)]
mod tests {
    use super::DOCUMENT;
    use crate::administration::{ADMIN, Endpoint, SHARED};
    use crate::streams::STREAMS;
    use std::collections::BTreeSet;

    #[test]
    fn every_endpoint_is_described_and_the_other_way_round() {
        let document: serde_json::Value = serde_json::from_str(DOCUMENT).unwrap();
        let described: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().unwrap().keys();
                methods
                    .filter(|method| *method != "parameters")
                    .map(|method| (path.clone(), method.to_uppercase()))
            })
            .collect();
        let there: BTreeSet<(String, String)> = SHARED
            .iter()
            .chain(&ADMIN)
            .chain(&STREAMS)
            .map(|Endpoint { path, method, .. }| ((*path).to_owned(), method.to_string()))
            .collect();
        assert_eq!(described, there);
    }
}
