//! What Fluentd and Fluent Bit speak: the Forward protocol, version 1.5, and MessagePack, which it is made of.
//!
//! A [`framing::Framer`] finds where a value of MessagePack ends, however the network cuts it; [`message`] is what such a
//! value says, in all four modes; [`receiver`] and [`sender`] are the two ends of a connection, handshake and
//! acknowledgements included. Bytes and decisions come in, bytes and steps come out: no sockets, no clock, no randomness.
//! What a peer sends is bounded in bytes, in depth, and in what it unpacks to.
//!
//! The rules are those of the [specification](https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1).

mod entries;
mod error;
pub mod framing;
mod handshake;
pub mod message;
pub mod msgpack;
pub mod packing;
pub mod parting;
pub mod receiver;
pub mod sender;

pub use entries::{Entries, Entry, EventTime, Limits};
pub use error::{BadMessage, FrameError, HandshakeError};
pub use handshake::{Credentials, Login};
