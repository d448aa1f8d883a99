//! What goes on inside: for those that look for a mistake.

use crate::Broker;
use crate::answer::{Document, Refusal};
use crate::process::{resident_bytes, threads};
use crate::query::{Form, Query};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Threads and actors, as text.
pub(super) async fn show_stacks(broker: &Broker) -> Result<Document, Refusal> {
    let mut text = String::new();
    for thread in threads() {
        let _ = writeln!(text, "thread {}: {} [{}]", thread.id, thread.name, thread.state);
    }
    let observatory = &broker.observatory;
    let _ = writeln!(text);
    match observatory.listener().await {
        Some(listener) => {
            let _ = writeln!(text, "actor Listener: {} accepted", listener.accepted);
            for (number, connections) in listener.connections.iter().enumerate() {
                let _ = writeln!(text, "arbiter {number}: {connections} actors Connection");
            }
        }
        None => text.push_str("actor Listener: ended\n"),
    }
    match observatory.router().await {
        Some(router) => {
            let _ = writeln!(
                text,
                "actor Router: {} subscriptions, {} changes wait, {} announcements settle",
                router.subscriptions, router.waiting_changes, router.settling
            );
            let _ = writeln!(text, "{} actors QueueGroup", router.queue_groups);
            let _ = writeln!(text, "{} actors Subject", router.hot_subjects);
        }
        None => text.push_str("actor Router: ended\n"),
    }
    match observatory.monitor().await {
        Some(monitor) => {
            let _ = writeln!(
                text,
                "actor Monitor: {} connections, {} that ended are remembered",
                monitor.connections, monitor.remembered
            );
        }
        None => text.push_str("actor Monitor: ended\n"),
    }
    Ok(Document::text(text))
}

/// What waits inside the server.
pub(super) async fn show_queues(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    let all = query.flag("all")?;
    let name = query.text("queues").unwrap_or_default();
    let router = broker.observatory.router().await.ok_or_else(Refusal::ending)?;
    let queues = [
        ("Router announcements", router.settling),
        ("Router changes", router.waiting_changes),
    ];
    let shown: BTreeMap<&str, Queue> = queues
        .into_iter()
        .filter(|(queue, pending)| (all || *pending > 0) && queue.contains(name))
        .map(|(queue, pending)| (queue, Queue { pending }))
        .collect();
    match query.form() {
        Form::Page => Document::indented(&shown, "   "),
        Form::Message => query.document(&shown),
    }
}

#[derive(Serialize)]
struct Queue {
    pending: usize,
}

/// Variables, as programs in Go show them. The command line is without its arguments: they may be secrets.
pub(super) fn show_variables(query: &Query) -> Result<Document, Refusal> {
    let program = std::env::args().next().unwrap_or_default();
    let memory = resident_bytes();
    let variables = Variables {
        cmdline: [program],
        memstats: Memory {
            alloc: memory,
            sys: memory,
        },
    };
    match query.form() {
        Form::Page => Document::variables(&variables),
        Form::Message => query.document(&variables),
    }
}

#[derive(Serialize)]
struct Variables {
    cmdline: [String; 1],
    memstats: Memory,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Memory {
    alloc: u64,
    sys: u64,
}
