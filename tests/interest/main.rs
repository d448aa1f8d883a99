//! What a client hears of its subscriptions is true: PONG means in force, and interest that ends is gone.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod flood;
#[cfg(test)]
mod many;
#[cfg(test)]
mod pong;
