//! What is said through layers is what is said without, whichever side has connected.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod broker;
#[cfg(test)]
mod dialled;
#[cfg(test)]
mod far_end;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod switched;
