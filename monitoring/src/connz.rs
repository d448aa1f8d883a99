//! Connections, open and closed.

mod entry;
mod order;

use crate::Broker;
use crate::answer::{Document, Refusal, SUBSCRIPTIONS_AT_MOST};
use crate::query::Query;
use crate::units::Time;
use entry::{Entry, Shown};
use jiff::Timestamp;
use order::{Figures, Order};
use serde::Serialize;
use std::sync::Arc;
use std::time::SystemTime;
use vagus_actors::observed::{ClosedConnection, ConnectionState, Extent};
use vagus_actors::{ObservedConnection, ask_again};
use vagus_configs::GLOBAL_ACCOUNT;

/// How many connections are shown unless it is said.
const LIMIT: usize = 1024;

/// What was asked for.
#[derive(Debug)]
struct Question {
    order: Order,
    shown: Shown,
    offset: usize,
    limit: usize,
    connection: Option<u64>,
    state: State,
    user: Option<String>,
    account: Option<String>,
    mqtt_client: Option<String>,
}

/// Which connections are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Closed,
    Any,
}

impl State {
    fn takes_open(self) -> bool {
        self != Self::Closed
    }

    fn takes_closed(self) -> bool {
        self != Self::Open
    }
}

impl Question {
    fn of(query: &Query) -> Result<Self, Refusal> {
        let order = query.text("sort").unwrap_or_default().to_owned();
        let auth = query.flag("auth")?;
        let (names, detail) = query.subscriptions()?;
        let offset = query.integer("offset")?;
        let limit = query.integer("limit")?;
        let connection = Some(query.natural("cid")?).filter(|id| *id > 0);
        let state = state(query)?;
        let text = |name| query.text(name).map(str::to_owned);
        Ok(Self {
            order: Order::of(&order, state == State::Closed)?,
            shown: Shown { auth, names, detail },
            offset: usize::try_from(offset).unwrap_or(0),
            limit: match (connection, usize::try_from(limit)) {
                (Some(_), _) => 1,
                (None, Ok(limit)) if limit > 0 => limit,
                _ => LIMIT,
            },
            connection,
            state,
            user: text("user"),
            account: text("acc"),
            mqtt_client: text("mqtt_client"),
        })
    }

    /// Whether a connection of this account is meant. Who is not in yet is in the global one, as in nats-server.
    fn takes_account(&self, state: &ConnectionState) -> bool {
        let account = state.account.as_deref().unwrap_or(GLOBAL_ACCOUNT);
        self.account.as_ref().is_none_or(|wanted| wanted == account)
    }

    /// Whether a connection of this user is meant. No connection is one of MQTT.
    fn takes_user(&self, state: &ConnectionState) -> bool {
        let user = &state.client.user;
        self.mqtt_client.is_none() && self.user.as_ref().is_none_or(|wanted| wanted == user)
    }

    /// Whether it is known whom it takes without asking each who it is.
    fn takes_anybody(&self) -> bool {
        self.user.is_none() && self.account.is_none()
    }
}

fn state(query: &Query) -> Result<State, Refusal> {
    let text = query.text("state").unwrap_or("open");
    match text.to_ascii_lowercase().as_str() {
        "open" => Ok(State::Open),
        "closed" => Ok(State::Closed),
        "any" | "all" => Ok(State::Any),
        _ => Err(Refusal::bad(format!("Error decoding state for {text}"))),
    }
}

pub(super) async fn show(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    let question = Question::of(query)?;
    let (settings, _) = broker.settings.current();
    let now = Timestamp::now();
    let mut connz = Connz {
        server_id: &settings.info.server_id,
        now: Time(now),
        num_connections: 0,
        total: 0,
        offset: question.offset,
        limit: question.limit,
        connections: None,
    };
    let is_known = |name: &str| broker.accounts.find(name).is_some();
    if question
        .account
        .as_deref()
        .is_some_and(|account| !is_known(account))
    {
        // As nats-server says that there is no such account.
        connz.server_id = "";
        return query.document(&connz);
    }
    // Until it is written, too: what others ask meanwhile is answered between two surveys.
    let _survey = broker.surveys.acquire().await;
    let found = Found::by(broker, &question).await?;
    connz.total = found.total;
    let shown = found.page(&question).await?;
    let entries: Vec<Entry<'_>> = shown.iter().map(|one| one.entry(question.shown)).collect();
    connz.num_connections = entries.len();
    connz.connections = Some(entries);
    query.document(&connz)
}

/// The connections that are meant, before they are put in order and cut into pages.
struct Found {
    /// How many there are of this state at all.
    total: usize,
    open: Open,
    closed: Vec<Arc<ClosedConnection>>,
}

/// Those that are open.
enum Open {
    /// The page that was asked for: in the order of their numbers they need not all be asked.
    Page(Vec<ObservedConnection>),
    /// All of them.
    All(Vec<ObservedConnection>),
}

/// A connection to be shown.
enum Connection {
    Open(Box<ObservedConnection>),
    Closed(Arc<ClosedConnection>),
}

impl Connection {
    fn entry(&self, shown: Shown) -> Entry<'_> {
        match self {
            Self::Open(open) => Entry::open(open, shown),
            Self::Closed(closed) => Entry::closed(closed, shown),
        }
    }

    fn figures(&self, now: SystemTime) -> Figures<'_> {
        match self {
            Self::Open(open) => Figures::open(&open.state, now),
            Self::Closed(closed) => Figures::closed(closed),
        }
    }
}

impl Found {
    async fn by(broker: &Broker, question: &Question) -> Result<Self, Refusal> {
        let observatory = &broker.observatory;
        let monitor = observatory.monitor().await.ok_or_else(Refusal::ending)?;
        let mut found = Self {
            total: 0,
            open: Open::All(Vec::new()),
            closed: Vec::new(),
        };
        if question.state.takes_closed() {
            found.closed = observatory.closed_connections().await;
            found
                .closed
                .retain(|closed| question.takes_account(&closed.state));
            found.total += found.closed.len();
        }
        let mut of_account = None;
        if question.state.takes_open() {
            if let Some(account) = question.account.as_deref() {
                let all = of(broker, account).await;
                found.total += all.len();
                of_account = Some(all);
            } else {
                found.total += monitor.connections;
            }
        }
        if let Some(id) = question.connection {
            found.only(broker, question, id).await;
            return Ok(found);
        }
        found.closed.retain(|closed| question.takes_user(&closed.state));
        if !question.state.takes_open() || question.mqtt_client.is_some() {
            return Ok(found);
        }
        if let Some(mut all) = of_account {
            all.retain(|open| question.takes_user(&open.state));
            found.open = Open::All(all);
            return Ok(found);
        }
        let is_plain = question.state == State::Open && question.takes_anybody();
        found.open = if is_plain && question.order == Order::Number {
            let extent = question.shown.extent();
            // How many subscriptions there are is known before they are asked for.
            let first = match extent {
                Extent::Subscriptions => Extent::Figures,
                other => other,
            };
            let page = observatory
                .connections(question.offset, question.limit, first)
                .await;
            Open::Page(match first == extent {
                true => page,
                false => asked(page, question).await?,
            })
        } else if question.user.is_some() {
            let mut all = observatory.connections(0, usize::MAX, Extent::State).await;
            all.retain(|open| question.takes_user(&open.state));
            Open::All(all)
        } else {
            Open::All(observatory.connections(0, usize::MAX, Extent::Figures).await)
        };
        Ok(found)
    }

    /// One connection alone.
    async fn only(&mut self, broker: &Broker, question: &Question, id: u64) {
        if question.state.takes_open()
            && let Some(open) = broker.observatory.connection(id, question.shown.extent()).await
            // Who may ask about one account learns nothing of another by a number.
            && question.takes_account(&open.state)
        {
            self.open = Open::All(vec![open]);
            self.closed.clear();
        }
        self.closed.retain(|closed| closed.state.id == id);
    }

    /// Those of the page, in order.
    async fn page(self, question: &Question) -> Result<Vec<Connection>, Refusal> {
        let open = |open| Connection::Open(Box::new(open));
        let all = match self.open {
            Open::Page(page) => return Ok(page.into_iter().map(open).collect()),
            Open::All(all) => all,
        };
        let mut connections: Vec<Connection> = all.into_iter().map(open).collect();
        connections.extend(self.closed.into_iter().map(Connection::Closed));
        let now = SystemTime::now();
        connections.sort_by(|one, other| question.order.compare(&one.figures(now), &other.figures(now)));
        let page = connections.into_iter().skip(question.offset).take(question.limit);
        let (mut places, mut open, mut shown) = (Vec::new(), Vec::new(), Vec::new());
        for connection in page {
            match connection {
                Connection::Open(known) => {
                    places.push(Some(known.state.id));
                    open.push(*known);
                }
                closed @ Connection::Closed(_) => {
                    places.push(None);
                    shown.push(closed);
                }
            }
        }
        // Only those that are shown are asked for everything, and they keep the places they have by what was compared.
        let mut open = asked(open, question).await?.into_iter().peekable();
        let mut closed = shown.into_iter();
        let in_order = places.into_iter().filter_map(|place| match place {
            None => closed.next(),
            Some(id) => open
                .next_if(|open| open.state.id == id)
                .map(|open| Connection::Open(Box::new(open))),
        });
        Ok(in_order.collect())
    }
}

/// The connections of an account: no others are asked, as who belongs to it may have them asked often.
async fn of(broker: &Broker, account: &str) -> Vec<ObservedConnection> {
    let Some(account) = broker.accounts.find(account) else {
        return Vec::new();
    };
    let members = account.connection_ids();
    let mut all = broker.observatory.connections_of(members, Extent::State).await;
    // One may just have gone on to another account.
    all.retain(|open| open.state.account.as_deref() == Some(account.name()));
    all
}

/// Asks those that are shown for everything that is.
async fn asked(
    connections: Vec<ObservedConnection>,
    question: &Question,
) -> Result<Vec<ObservedConnection>, Refusal> {
    let extent = question.shown.extent();
    if extent == Extent::Subscriptions {
        let all: usize = connections.iter().map(|one| one.state.subscriptions).sum();
        if all > SUBSCRIPTIONS_AT_MOST {
            return Err(Refusal::too_large());
        }
    }
    Ok(ask_again(connections, extent).await)
}

#[derive(Serialize)]
struct Connz<'a> {
    server_id: &'a str,
    now: Time,
    num_connections: usize,
    total: usize,
    offset: usize,
    limit: usize,
    connections: Option<Vec<Entry<'a>>>,
}
