//! Configuration files as documents: shown without their secrets, and changed in places.

mod edit;
mod masking;
mod patch;
mod render;

pub use edit::{Uneditable, edit};
pub use masking::{NothingToKeep, masked, masked_text, restore, unmask_text};
pub use patch::Patch;
pub use render::render;

#[cfg(test)]
mod tests;
