//! A server and raw connections for tests, as sentences.
//!
//! ```no_run
//! use vagus_test_support::server;
//!
//! let server = server().max_payload(16).arbiters(2).start();
//! let mut client = server.client().connect(r#"{"verbose":false}"#);
//! client.send("SUB greetings 1");
//! client.send("PUB greetings 5\r\nhello");
//! client.expect("MSG greetings 1 5\r\nhello");
//! ```
//!
//! Nothing here waits for a time to pass: a client waits for bytes, [`eventually`] for a state. [`PATIENCE`]
//! only bounds how long a broken server can hold up a run. Everything panics with what it saw instead of
//! what it was to see, as a test would.
#![allow(clippy::expect_used, clippy::panic)] // It is made of assertions.

mod blocking_tls;
mod client;
mod connector;
mod descriptors;
mod events;
mod folder;
mod frame;
mod held_port;
mod http;
mod known;
mod patience;
mod process;
mod random;
mod reader;
mod relay;
mod responder;
mod server;
mod stream;
pub mod streams;
mod writer;

pub use blocking_tls::BlockingTls;
pub use client::Client;
pub use connector::Connector;
pub use descriptors::allow_open_files;
pub use events::Events;
pub use fastrand::Rng;
pub use folder::Folder;
pub use frame::{Frame, Message};
pub use held_port::HeldPort;
pub use http::{Answer, http, send};
pub use known::subscribed;
pub use patience::{PATIENCE, eventually, eventually_equal};
pub use process::Process;
pub use random::random_bytes;
pub use reader::Reader;
pub use relay::{Relay, Way};
pub use responder::Responder;
pub use server::{ServerBuilder, TestServer, server};
pub use writer::Writer;

/// Runs the `vagus` program with these arguments, from an integration test of the root package.
#[macro_export]
macro_rules! spawn_binary {
    ($($argument:expr),* $(,)?) => {
        $crate::Process::spawn(env!("CARGO_BIN_EXE_vagus"), &[$($argument),*])
    };
}
