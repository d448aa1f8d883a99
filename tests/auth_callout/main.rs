//! A service says who may come in (auth callout): what it is asked, and what becomes of what it answers.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod configured;
#[cfg(test)]
mod floods;
#[cfg(test)]
mod over_http;
#[cfg(test)]
mod signed;
#[cfg(test)]
mod told;
#[cfg(test)]
mod world;
