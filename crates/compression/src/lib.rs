//! Compressed connections between servers, as nats-server has them: how two agree on it ([`mode`]), and the streams that they
//! speak then ([`s2`]). No I/O, no clock, no runtime.

pub mod mode;
pub mod s2;
