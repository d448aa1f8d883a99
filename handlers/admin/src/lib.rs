//! What operators ask over HTTP.
//!
//! [`service`] listens, on a thread of its own so that asking never slows a message; [`Broker`] is what may be
//! asked; [`monitoring`] answers as nats-server does.

mod broker;
pub mod monitoring;
mod process;
pub mod service;

pub use broker::{Broker, Settings, TlsSettings};
pub use process::{Usage, resident_bytes};
