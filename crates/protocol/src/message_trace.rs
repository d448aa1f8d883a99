//! Messages whose way is traced: what their headers ask for, and the event that tells of it.

mod event;
mod request;

pub use event::{
    Egress, EgressError, Ingress, ServiceImport, ShownKind, StreamExport, SubjectMapping, TraceEvent,
};
pub use request::{
    Activation, ShownHeaders, TraceRequest, may_ask, may_have_context, with_destination, with_hop,
    with_tracing_disabled,
};
