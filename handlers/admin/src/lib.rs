//! What operators ask over HTTP.
//!
//! A [`Gateway`] is what clients call over HTTP.
//! [`service`] listens, on a thread of its own so that asking never slows a message; [`monitoring`] has the pages of
//! nats-server. [`Access`] says who may; [`Administration`] is what they may have done, and the page.

mod access;
mod accounts;
mod administration;
mod config_api;
mod connectors;
mod events;
mod gateway;
mod messages;
pub mod monitoring;
mod openapi;
mod operations;
mod page;
mod places;
mod problem;
pub mod service;
mod streams;

pub use access::{Access, AccessError, Entrant, Protection, Rules};
pub use administration::{Administration, LogControl, LogLevels, admin_routes, monitoring_routes};
pub use gateway::{Gateway, GatewayMeans, HttpsAcceptor, LoginRules};
pub use problem::Problem;
