//! What there is to be known of the servers that this one connects to.

use super::Cluster;
use crate::dialling::DiallingState;
use actix::prelude::*;
use serde::Serialize;

/// Asks a [`Cluster`] for the servers that it has dialled: those of the configuration, and those that others tell of.
#[derive(Debug, Message)]
#[rtype(result = "Vec<DialledServerState>")]
pub struct ListDialled;

/// A server that is dialled, or has been and is connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DialledServerState {
    /// Its host and port.
    pub address: String,
    /// The account that the route is for alone; None if it is for all others.
    pub account: Option<String>,
    /// Whether it is named in the configuration; else another server has told of it.
    pub is_configured: bool,
    /// How far dialling it has come.
    pub dialling: DiallingState,
}

impl Handler<ListDialled> for Cluster {
    type Result = MessageResult<ListDialled>;

    fn handle(&mut self, _: ListDialled, _: &mut Context<Self>) -> Self::Result {
        let dialled = self.dialled.iter().map(|server| DialledServerState {
            // Without user and password.
            address: format!("{:?}", server.address),
            account: server.account.as_deref().map(str::to_owned),
            is_configured: server.kind.is_configured,
            dialling: DiallingState::from(&*server.state.borrow()),
        });
        MessageResult(dialled.collect())
    }
}
