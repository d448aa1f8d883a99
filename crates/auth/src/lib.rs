//! Who may connect and what they may do: no I/O, no clock, no runtime.
//!
//! The life of a connection here: the [`Gate`](credentials::Gate) decides its CONNECT and gives it an
//! [`Identity`](credentials::Identity); the [`Matcher`](permission::Matcher) of that identity is asked once for each
//! subject it publishes on or subscribes to; [`Responses`](responses::Responses) remembers the replies it owes.

pub mod credentials;
pub mod nkey;
pub mod password;
pub mod permission;
pub mod proxies;
mod remembered;
pub mod responses;
