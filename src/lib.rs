//! The broker as a value.
