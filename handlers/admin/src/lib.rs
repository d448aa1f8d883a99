//! What operators ask over HTTP.
//!
//! [`service`] listens, on a thread of its own so that asking never slows a message; [`Broker`] is what may be
//! asked; [`monitoring`] answers as nats-server does. [`Access`] says who may; [`Administration`] is what they may have
//! done, and the page.

mod access;
mod administration;
mod broker;
mod config_api;
mod events;
mod messages;
pub mod monitoring;
mod openapi;
mod operations;
mod page;
mod places;
mod problem;
mod process;
pub mod service;

pub use access::{Access, AccessError, Entrant, Protection, Rules};
pub use administration::{Administration, LogControl, LogLevels, admin_routes, monitoring_routes};
pub use broker::{Broker, Remembered, Settings, TlsSettings};
pub use problem::Problem;
pub use process::{Usage, resident_bytes};
