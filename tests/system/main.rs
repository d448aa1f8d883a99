//! The system account: who asks there is answered, and told what becomes of the server and its clients.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod events;
#[cfg(test)]
mod load;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod world;
