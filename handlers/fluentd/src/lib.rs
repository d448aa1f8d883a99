//! Connectors to Fluentd and Fluent Bit, in the Forward protocol.
//!
//! The protocol is `vagus_forward`; here its two ends are languages of connectors. An event is a message whose payload is
//! its record as JSON, on a subject that is made of its tag; its time goes along in the header, so that it comes back as it
//! was.

mod bringing;
mod brought;
mod parcel;

pub use bringing::{ForwardOut, ForwardServer};
pub use brought::{ForwardEvents, ForwardIn, ForwardPeer};
pub use parcel::ForwardParcel;

/// The header in which the time of an event is: seconds since 1970, with nine digits behind the point.
pub const TIME_HEADER: &str = "Forward-Time";
