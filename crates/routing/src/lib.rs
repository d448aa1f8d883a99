//! Subjects, the index of subscriptions, resolved fan-outs: no I/O, no clock, no runtime.
