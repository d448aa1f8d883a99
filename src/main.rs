//! The `vagus` program.

fn main() {}
