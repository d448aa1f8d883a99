//! Where streams and consumers are asked about.

use crate::administration::Endpoint;
use crate::streams;
use actix_web::http::Method;
use actix_web::web;

/// What the admin service has of streams.
pub(crate) const STREAMS: [Endpoint; 13] = [
    Endpoint {
        path: "/v1/streams",
        method: Method::GET,
        route: || web::get().to(streams::list),
    },
    Endpoint {
        path: "/v1/accounts/{account}/streams/{stream}",
        method: Method::GET,
        route: || web::get().to(streams::show),
    },
    Endpoint {
        path: "/v1/accounts/{account}/streams/{stream}",
        method: Method::DELETE,
        route: || web::delete().to(streams::delete),
    },
    Endpoint {
        path: "/v1/accounts/{account}/streams/{stream}/subjects",
        method: Method::GET,
        route: || web::get().to(streams::subjects),
    },
    Endpoint {
        path: "/v1/accounts/{account}/streams/{stream}/message",
        method: Method::GET,
        route: || web::get().to(streams::message),
    },
    Endpoint {
        path: "/v1/accounts/{account}/streams/{stream}/messages/{sequence}",
        method: Method::DELETE,
        route: || web::delete().to(streams::delete_message),
    },
    Endpoint {
        path: "/v1/accounts/{account}/streams/{stream}/purge",
        method: Method::POST,
        route: || web::post().to(streams::purge),
    },
    Endpoint {
        path: "/v1/accounts/{account}/streams/{stream}/consumers",
        method: Method::GET,
        route: || web::get().to(streams::consumers),
    },
    Endpoint {
        path: "/v1/accounts/{account}/streams/{stream}/consumers/{consumer}",
        method: Method::GET,
        route: || web::get().to(streams::consumer),
    },
    Endpoint {
        path: "/v1/accounts/{account}/streams/{stream}/consumers/{consumer}",
        method: Method::DELETE,
        route: || web::delete().to(streams::delete_consumer),
    },
    Endpoint {
        path: "/v1/accounts/{account}/streams/{stream}/consumers/{consumer}/pause",
        method: Method::POST,
        route: || web::post().to(streams::pause_consumer),
    },
    Endpoint {
        path: "/v1/accounts/{account}/streams/{stream}/consumers/{consumer}/resume",
        method: Method::POST,
        route: || web::post().to(streams::resume_consumer),
    },
    Endpoint {
        path: "/v1/accounts/{account}/streams/{stream}/consumers/{consumer}/reset",
        method: Method::POST,
        route: || web::post().to(streams::reset_consumer),
    },
];
