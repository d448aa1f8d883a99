//! Who may speak TLS does, who must and does not is sent away, and what is said over it is what is said without.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod back_pressure;
#[cfg(test)]
mod first;
#[cfg(test)]
mod garbage;
#[cfg(test)]
mod https;
#[cfg(test)]
mod mapped;
#[cfg(test)]
mod optional;
#[cfg(test)]
mod pinned;
#[cfg(test)]
mod program;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod rate;
#[cfg(test)]
mod renewed;
#[cfg(test)]
mod several;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod storms;
#[cfg(test)]
mod timeout;
#[cfg(test)]
mod upgrade;
#[cfg(test)]
mod verified;
#[cfg(test)]
mod world;
