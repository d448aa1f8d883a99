//! Whether streams are well, or there are those that are asked about.

use super::Ailment;
use crate::answer::Status;
use crate::query::Query;
use vagus_actors::jetstream::{AilingStream, JetStream, StreamAddress};

/// What is wrong with streams: with those that are asked about, or any.
pub(super) async fn ailments(jetstream: &JetStream, query: &Query) -> Vec<Ailment> {
    let text = |option| query.text(option);
    let (account, stream) = (text("account"), text("stream"));
    let mut ailing = jetstream.ailing(account);
    ailing.retain(|ailing| stream.is_none_or(|stream| stream == ailing.name));
    if !ailing.is_empty() {
        return ailing.into_iter().map(ailment).collect();
    }
    match absence(jetstream, account, stream, text("consumer")).await {
        Some(absence) => vec![absence],
        None => Vec::new(),
    }
}

fn ailment(ailing: AilingStream) -> Ailment {
    let AilingStream {
        account,
        name,
        failure,
    } = ailing;
    let trouble = match failure {
        None => "could not be recovered".to_owned(),
        Some(failure) => format!("write error: {failure}"),
    };
    Ailment {
        kind: "STREAM",
        error: format!("JetStream stream '{account} > {name}' {trouble}"),
        account,
        stream: name,
        ..Ailment::default()
    }
}

/// What of that which is asked about there is not.
async fn absence(
    jetstream: &JetStream,
    account: Option<&str>,
    stream: Option<&str>,
    consumer: Option<&str>,
) -> Option<Ailment> {
    let name = account?;
    let not_found = |kind, error: String| Ailment {
        status: Status::NotFound,
        kind,
        account: name.to_owned(),
        error,
        ..Ailment::default()
    };
    let Some(account) = jetstream.account(name) else {
        let error = format!("JetStream account {name:?} not found");
        return Some(not_found("ACCOUNT", error));
    };
    let wanted = stream?;
    let Ok(stream) = account.stream(wanted) else {
        let error = format!("JetStream stream {wanted:?} not found on account {name:?}");
        return Some(Ailment {
            stream: wanted.to_owned(),
            ..not_found("STREAM", error)
        });
    };
    let consumer = consumer?;
    let error =
        format!("JetStream consumer {consumer:?} not found for stream {wanted:?} on account {name:?}");
    (!has_consumer(&stream, consumer).await).then(|| Ailment {
        stream: wanted.to_owned(),
        consumer: consumer.to_owned(),
        ..not_found("CONSUMER", error)
    })
}

async fn has_consumer(stream: &StreamAddress, name: &str) -> bool {
    stream.consumer(name).await.is_ok()
}
