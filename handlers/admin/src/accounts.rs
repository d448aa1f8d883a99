//! The accounts of the server: who is in them, what passes, what they share and map, and who may be in them.

mod shown;
mod users;

use crate::administration::Administration;
use crate::problem::Problem;
use actix_web::Responder;
use actix_web::web::{Data, Json, Path, Query};
use serde::{Deserialize, Serialize};
use shown::{AccountShown, Summary};
use std::sync::Arc;
use vagus_delivery::Account;
use vagus_monitoring::Broker;

/// How many accounts one answer has if nothing else is asked for.
const USUAL: usize = 256;

/// How many it may have.
const AT_MOST: usize = 1024;

/// Which accounts are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Wanted {
    offset: usize,
    limit: Option<usize>,
    sort: Order,
    /// What their names or tags have in them.
    find: String,
}

/// Which come first.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    /// Those in which most are.
    #[default]
    Connections,
    Name,
}

#[derive(Serialize)]
struct List {
    total: usize,
    offset: usize,
    limit: usize,
    accounts: Vec<Summary>,
}

/// `GET /v1/accounts`
pub(crate) async fn list(
    administration: Data<Administration>,
    wanted: Query<Wanted>,
) -> Result<impl Responder, Problem> {
    let broker = &administration.broker;
    let _turn = broker.turn().await;
    let Wanted {
        offset,
        limit,
        sort,
        find,
    } = wanted.into_inner();
    let limit = limit.unwrap_or(USUAL).clamp(1, AT_MOST);
    let mut accounts = broker.accounts.all();
    accounts.retain(|account| find.is_empty() || is_called(account, &find));
    // The number changes while they are sorted by it.
    let mut sorted: Vec<(usize, Arc<Account>)> = accounts
        .into_iter()
        .map(|account| (account.connections(), account))
        .collect();
    sorted.sort_unstable_by(|(left, one), (right, other)| match sort {
        Order::Connections => right.cmp(left).then_with(|| one.name().cmp(other.name())),
        Order::Name => one.name().cmp(other.name()),
    });
    let users = users::by_account(broker);
    let summary = |account: &Account| {
        let users = users.get(account.name()).map_or(0, Vec::len);
        Summary::of(broker, account, users)
    };
    Ok(Json(List {
        total: sorted.len(),
        offset,
        limit,
        accounts: (sorted.iter().skip(offset).take(limit))
            .map(|(_, account)| summary(account))
            .collect(),
    }))
}

fn is_called(account: &Account, part: &str) -> bool {
    let definition = account.definition();
    let tag = definition
        .as_ref()
        .and_then(|definition| definition.name_tag.as_deref());
    account.name().contains(part) || tag.is_some_and(|tag| tag.contains(part))
}

/// `GET /v1/accounts/{name}`
pub(crate) async fn show(
    administration: Data<Administration>,
    name: Path<String>,
) -> Result<impl Responder, Problem> {
    let broker = &administration.broker;
    let _turn = broker.turn().await;
    let account = found(broker, &name)?;
    let mut users = users::by_account(broker);
    let users = users.remove(account.name()).unwrap_or_default();
    Ok(Json(AccountShown::of(broker, &account, users)))
}

fn found(broker: &Broker, name: &str) -> Result<Arc<Account>, Problem> {
    let account = broker.accounts.find(name);
    account.ok_or_else(|| Problem::not_found(format!("there is no account {name:?}")))
}
