//! The NATS client protocol as a language of connections.
