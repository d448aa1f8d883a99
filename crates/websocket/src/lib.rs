//! WebSocket (RFC 6455) as servers speak it, with clients and with each other, with compressed messages (RFC 7692).
//!
//! [`upgrade`] decides about the HTTP request that a connection begins with; [`request`] is the one of a server that connects,
//! [`tunnel`] what it says before to a proxy that is in between. From then on a [`FrameReader`] takes apart
//! what a peer sends, where it stands; [`FrameHeader`] begins what it is sent. [`deflate`] is the content of compressed
//! messages, [`close`] what either side says at the end.

pub mod close;
pub mod deflate;
mod frame_header;
mod frame_reader;
mod mask;
mod opcode;
pub mod request;
mod response;
pub mod tunnel;
pub mod upgrade;

pub use frame_header::{FrameHeader, LONGEST_HEADER};
pub use frame_reader::{Control, FrameReader, Piece, Violation};
pub use mask::MaskKey;
pub use opcode::Opcode;
pub use response::{LONGEST_RESPONSE, ResponseError};

/// The longest payload of a ping, a pong or a close frame, in bytes (RFC 6455, section 5.5).
pub const LONGEST_CONTROL: usize = 125;

const FINAL: u8 = 1 << 7;
const COMPRESSED: u8 = 1 << 6;
const RESERVED: u8 = 1 << 5 | 1 << 4;
const MASKED: u8 = 1 << 7;
/// The seven bits of a length that stand for one in two bytes, and for one in eight.
const IN_TWO_BYTES: u8 = 126;
const IN_EIGHT_BYTES: u8 = 127;
