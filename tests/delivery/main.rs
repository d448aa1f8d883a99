//! What is published arrives: in order, as often as it was asked for, byte for byte.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod back_pressure;
#[cfg(test)]
mod beside;
#[cfg(test)]
mod copies;
#[cfg(test)]
mod cuts;
#[cfg(test)]
mod echo;
#[cfg(test)]
mod headers;
#[cfg(test)]
mod maximum;
#[cfg(test)]
mod no_responders;
#[cfg(test)]
mod numbered;
#[cfg(test)]
mod order;
#[cfg(test)]
mod queue_members;
#[cfg(test)]
mod refused;
