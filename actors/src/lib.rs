//! Everything with a mailbox: connections, the router, subjects, queue groups.
