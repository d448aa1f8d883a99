//! A server and raw connections for tests, as sentences.
