//! Vagus beside other NATS servers: load generator, scenarios and the table.
