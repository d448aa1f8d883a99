//! Connectors to Logstash and Beats: Lumberjack, and lines of JSON.
//!
//! An event is an object of JSON, and so is the payload of its message: it is passed on as it is.

mod event;
pub mod json_lines;
pub mod lumberjack;
