//! What TLS a listener speaks: certificates, what is asked of peers, and who they are by theirs.
