//! What operators, accounts and users say in signed tokens: NATS JWTs of version 2, and of version 1 as far as these say
//! the same (ADR-14 of nats-architecture-and-design).
//!
//! [`Claims`] are read from a token whose signature fits the issuer that it names. Whether that issuer is to be trusted is
//! for whoever knows the chain: an operator signs accounts, an account signs users. No clock is read: what holds now is
//! asked with the time given in.

mod account;
mod activation;
mod admission;
mod authorization;
mod callout;
mod claims;
mod decorated;
mod definition;
mod granted;
mod issues;
mod lists;
mod operator;
mod permissions;
mod sharing;
mod signing_keys;
mod subjects;
mod template;
mod token;
mod trust;
mod user;
mod window;

pub use account::{
    Account, AccountLimits, ExternalAuthorization, JetStreamLimits, MessageTrace, WeightedMapping,
};
pub use activation::Activation;
pub use admission::{Grant, Presented, Refusal, TimeZones, admit, renew};
pub use authorization::{
    AuthorizationRequest, AuthorizationResponse, ClientInformation, ClientTls, ConnectOptions,
    ServerInformation,
};
pub use callout::{CalloutError, Question, admit_named, configured_account, signed_account};
pub use claims::{Body, Claims};
pub use decorated::undecorated;
pub use granted::{claimed, rights, time_zone};
pub use issues::{Issue, Issues, Severity};
pub use lists::{Revocations, SourceNetworks, Tags};
pub use operator::{Operator, ServerVersion};
pub use permissions::{Permission, Permissions, Responses};
pub use sharing::{Export, Import, Latency, ResponseType, Sampling, ShareKind};
pub use signing_keys::{Scope, SigningKeys};
pub use template::{Account as TemplateAccount, MAX_EXPANSIONS, TemplateError};
pub use token::{GenericClaims, MAX_TOKEN, TokenError, looks_like_token};
pub use trust::Trust;
pub use user::{User, UserLimits};
pub use window::{TimeRange, Window};

/// The value of a limit that is none.
pub const NO_LIMIT: i64 = -1;

/// The name that stands for all: every user among revocations, every account among those that are allowed.
pub const ALL: &str = "*";
