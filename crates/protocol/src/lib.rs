//! The NATS wire format as bytes in and bytes out: no I/O, no clock, no runtime.
//!
//! In: [`parser::parse`] finds the [`operation::Operation`] at the start of a buffer, and
//! [`connect::ConnectOptions`] reads the JSON of a CONNECT. Out: [`info::Info`] greets a client,
//! [`message`] encodes deliveries, [`error`] says what is wrong.
//!
//! Nothing here keeps state between calls, and nothing panics whatever the bytes are.

pub mod connect;
pub mod content_encoding;
pub mod duration;
pub mod error;
pub mod gateway;
pub mod html_safe_json;
pub mod info;
pub mod json;
pub mod leaf;
pub mod message;
pub mod message_trace;
pub mod neutral;
pub mod operation;
pub mod parser;
pub mod proxy_header;
pub mod publish_acknowledgement;
pub mod pulling;
pub mod quote;
pub mod repeated_line;
pub mod request_info;
pub mod route;
pub mod routed;
mod said;
pub mod server_shown;
pub mod service_latency;
pub mod shown_subject;
pub mod size;
pub mod system_subject;
pub mod user_info;
pub mod version;
