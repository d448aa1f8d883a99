//! What clients ask of streams by messages on `$JS.API.>`, and are answered: JSON in, JSON out.
//!
//! Each account that may have streams has a [`Desk`], which takes what is asked there ([`topic`]) and has it answered, several
//! requests at once: each kind is a file. Other accounts have a [`Refusal`], the system account a [`SystemDesk`]. What requests
//! do is done by `vagus_actors::jetstream`.

mod account_info;
mod answering;
mod audit;
mod backup;
mod cluster_required;
mod consumer_create;
mod consumer_delete;
mod consumer_info;
mod consumer_list;
mod consumer_names;
mod consumer_pause;
mod consumer_reset;
mod consumer_unpin;
mod desk;
mod exchange;
mod intake;
mod message_delete;
mod message_get;
mod refusing;
mod stream_create;
mod stream_delete;
mod stream_info;
mod stream_list;
mod stream_names;
mod stream_purge;
mod stream_update;
mod system;
mod topic;
mod waiting;

pub use desk::Desk;
pub use intake::{Assignment, Intake, Role};
pub use refusing::Refusal;
pub use system::SystemDesk;
pub use waiting::QueueLimits;
