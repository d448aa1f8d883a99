//! What Beats and Logstash speak: Lumberjack, version 2, and version 1 of who has nothing newer.
//!
//! ```text
//! window        version "W" count
//! event         version "J" sequence length JSON            (version 2)
//!               version "D" sequence pairs (length key length value)…   (version 1)
//! compressed    version "C" length zlib(events)
//! acknowledged  version "A" sequence
//! ```
//!
//! The version is a digit, numbers have four bytes, the highest first. A [`framing::Framer`] finds events however the network
//! cuts them, and unpacks them as they are asked for; a [`receiver::Receiver`] gathers what of a window belongs together and
//! says what is to be acknowledged; [`sending`] has the other end. Bytes come in, bytes and steps come out: no sockets, no
//! clock. What a peer sends is bounded in bytes, and in what it unpacks to.

mod frame;
pub mod framing;
pub mod receiver;
pub mod sending;

pub use frame::{Frame, FrameError, Version};
pub use framing::Limits;
