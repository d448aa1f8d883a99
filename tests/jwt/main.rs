//! Accounts that operators have signed: who is let in by which token, and what becomes of that while accounts change.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod admission;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod floods;
#[cfg(test)]
mod folder;
#[cfg(test)]
mod nsc;
#[cfg(test)]
mod over_http;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod url;
#[cfg(test)]
mod world;
