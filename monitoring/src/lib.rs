//! What is told of a server, whoever asks: the answers of nats-server's monitoring, in its form.
//!
//! [`Broker`] is whom to ask; [`answer`] asks the actors and writes down what they said. How the question came, and how
//! the answer is taken back, is the handlers' to know.

mod accounts;
mod answer;
mod broker;
mod cluster;
mod clusterz;
mod connz;
mod dialled;
mod gateways;
mod health;
mod inside;
mod jetstream;
mod kinds;
mod leafnodes;
mod page;
mod process;
mod query;
mod statsz;
mod subjectz;
mod subscription;
mod subsz;
mod units;
mod varz;
mod websocket;

pub use accounts::{AccountTraffic, account_detail, account_traffic, subscriptions_of_clients, traffic_of};
pub use answer::{Document, Refusal, Status};
pub use broker::{Broker, Remembered, Settings, Stored, TlsSettings};
pub use health::is_well;
pub use jetstream::account_store;
pub use page::{LINKS, Page, PageCounts};
pub use process::{Thread, Usage, most_open_files, open_files, processor_time, resident_bytes, threads};
pub use query::{Form, Query};
pub use statsz::statsz;
pub use subsz::subsz_value;
pub use units::Time;
pub use varz::varz_value;

/// Answers a question. Few are answered at one time: it waits for its turn, the state of health excepted, which is told
/// whatever else is asked.
///
/// # Errors
/// When the question makes no sense, or the server is at its end.
pub async fn answer(broker: &Broker, page: Page, query: &Query) -> Result<Document, Refusal> {
    let _turn = match page {
        Page::Healthz => None,
        _ => broker.turn().await,
    };
    match page {
        Page::Varz => varz::show(broker, query).await,
        Page::Connz => connz::show(broker, query).await,
        Page::Routez => cluster::show_routes(broker, query).await,
        Page::Gatewayz => gateways::show(broker, query).await,
        Page::Leafz => leafnodes::show(broker, query).await,
        Page::Clusterz => clusterz::show(broker, query).await,
        Page::Subsz => subsz::show(broker, query).await,
        Page::Accountz => accounts::show(broker, query),
        Page::Accstatz => accounts::show_traffic(broker, query),
        Page::Jsz => jetstream::show(broker, query).await,
        Page::Healthz => health::show(broker, query).await,
        Page::Subjectz => subjectz::show(broker, query).await,
        Page::Stacksz => inside::show_stacks(broker).await,
        Page::Ipqueuesz => inside::show_queues(broker, query).await,
        Page::Raftz => jetstream::show_groups(query),
        Page::Variables => inside::show_variables(query),
        Page::Index | Page::Metrics => Err(Refusal::not_here()),
    }
}
