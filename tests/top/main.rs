//! `vagus top`, the program: what it writes down is true, and it gives the terminal back.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod batch;
#[cfg(test)]
mod https;
#[cfg(test)]
mod pseudo_terminal;
#[cfg(test)]
mod terminal;
