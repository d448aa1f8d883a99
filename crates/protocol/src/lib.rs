//! The NATS wire format as bytes in and bytes out: no I/O, no clock, no runtime.
