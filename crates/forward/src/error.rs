use thiserror::Error;

/// Why there is no frame at the start of what a peer sent. It is the peer's fault; nothing behind it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// It is, or is going to be, larger than frames may be.
    #[error("a frame is larger than {0} bytes")]
    TooLarge(usize),
    /// It has arrays or maps within each other, more than [`msgpack::DEEPEST`](crate::msgpack::DEEPEST).
    #[error("a frame is nested too deeply")]
    TooDeep,
    /// The byte that MessagePack has no meaning for.
    #[error("a frame is not MessagePack")]
    NotMessagePack,
    /// It began as JSON does, and is none.
    #[error("a frame is not JSON")]
    NotJson,
}

/// Why a frame is no message of the protocol. It is the peer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadMessage {
    /// It is neither an array of the parts of a message nor nil.
    #[error("a frame is not a message of the Forward protocol")]
    Shape,
    /// Its first part is not text.
    #[error("the tag of a message is not text")]
    Tag,
    /// Its options are not a map, or one of them is not what it has to be.
    #[error("the options of a message are not a map of options")]
    Options,
    /// The events are compressed in a way that is not known here.
    #[error("the events of a message are compressed by something else than gzip")]
    Compression,
    /// What is said to be compressed cannot be unpacked.
    #[error("the events of a message cannot be unpacked")]
    Gzip,
    /// It unpacks to more than it may.
    #[error("the events of a message unpack to more than {0} bytes")]
    Unpacked(u64),
    /// One of its events is neither a time and a record nor the same with metadata.
    #[error("an event is not a time and a record")]
    Event,
    /// An event is larger than a frame may be, nested too deeply, or not MessagePack.
    #[error("an event is broken: {0}")]
    Broken(#[from] FrameError),
}

/// Why the two ends do not come together. It is the other end's fault, or that of who set one of them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HandshakeError {
    /// It says something else than what it is its turn to say.
    #[error("{0} was expected of the peer")]
    Unexpected(&'static str),
    /// It does not know the key that both have to know.
    #[error("shared_key mismatch")]
    SharedKey,
    /// It is not one of the users, or has another password.
    #[error("username/password mismatch")]
    User,
    /// It refuses us, and says why.
    #[error("the peer refuses: {0}")]
    Refused(String),
    /// It wants a key, and none is set here.
    #[error("the peer wants a shared_key")]
    KeyWanted,
    /// It wants a user, and none is set here.
    #[error("the peer wants a username")]
    UserWanted,
    /// It has the name that we have, which Fluentd refuses.
    #[error("the peer has the same self_hostname, {0:?}")]
    SameHostname(String),
}
