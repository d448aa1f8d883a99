//! How somebody is let in by more than the configuration: by a token that accounts have signed, or by a service that is asked
//! (auth callout, ADR-26 of nats-architecture-and-design). The same for every language in which one logs in.

mod callout;
mod held_token;

pub use callout::{
    CalloutMeans, Claimant, Inquiry, Named, QUESTIONS, Rules, decides_about, decides_instead,
    without_callouts,
};
pub use held_token::{Ends, HeldToken, ends};
