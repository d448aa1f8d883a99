//! One server after the other is restarted, while clients go on that connect to whichever they find.

use crate::mesh::{ELSEWHERE, Mesh, SERVERS};
use async_nats::{Client, ConnectOptions, Subscriber};
use futures_util::StreamExt;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use vagus_test_support::eventually;

const WORKERS: usize = 3;
const REQUESTERS: usize = 2;

/// How many requests are answered between two events.
const SOME: usize = 50;

/// Who has no answer by then asks something else.
const PATIENCE: Duration = Duration::from_millis(500);

/// What happened to requests, by their numbers.
#[derive(Default)]
struct Ledger {
    is_over: AtomicBool,
    asked: AtomicUsize,
    answered: AtomicUsize,
    done: Mutex<HashMap<String, usize>>,
    answers: Mutex<HashMap<String, usize>>,
}

impl Ledger {
    /// Returns when some more requests have been answered.
    fn await_some(&self) {
        let before = self.answered.load(Ordering::Relaxed);
        eventually(|| self.answered.load(Ordering::Relaxed) >= before + SOME);
    }
}

fn count(counts: &Mutex<HashMap<String, usize>>, request: &str) {
    *counts.lock().unwrap().entry(request.to_owned()).or_default() += 1;
}

async fn connected(servers: &[String]) -> Client {
    ConnectOptions::new()
        .reconnect_delay_callback(|_| Duration::from_millis(20))
        .connect(servers)
        .await
        .unwrap()
}

/// Waits for one of them; None when it is over.
async fn next(subscriber: &mut Subscriber, ledger: &Ledger) -> Option<async_nats::Message> {
    while !ledger.is_over.load(Ordering::Relaxed) {
        if let Ok(message) = tokio::time::timeout(PATIENCE, subscriber.next()).await {
            return message;
        }
    }
    None
}

async fn work(client: Client, mut requests: Subscriber, ledger: Arc<Ledger>) {
    while let Some(request) = next(&mut requests, &ledger).await {
        let number = String::from_utf8_lossy(&request.payload);
        count(&ledger.done, &number);
        let reply = request.reply.clone().unwrap();
        client.publish(reply, request.payload).await.unwrap();
    }
}

async fn ask(client: Client, name: usize, mut answers: Subscriber, ledger: Arc<Ledger>) {
    while !ledger.is_over.load(Ordering::Relaxed) {
        let number = ledger.asked.fetch_add(1, Ordering::Relaxed).to_string();
        let reply = format!("answers.{name}");
        client
            .publish_with_reply("work", reply, number.clone().into())
            .await
            .unwrap();
        let answer = async {
            while let Some(answer) = answers.next().await {
                // That nobody works at the moment is no answer.
                if answer.status.is_none() {
                    let about = String::from_utf8_lossy(&answer.payload).into_owned();
                    count(&ledger.answers, &about);
                    if about == number {
                        ledger.answered.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                } else {
                    return;
                }
            }
        };
        // One that comes later is counted all the same.
        let _ = tokio::time::timeout(PATIENCE, answer).await;
    }
}

async fn serve_and_ask(servers: Vec<String>, ledger: Arc<Ledger>) {
    let mut tasks = Vec::new();
    for _ in 0..WORKERS {
        let client = connected(&servers).await;
        let requests = client.queue_subscribe("work", "workers".into()).await.unwrap();
        client.flush().await.unwrap();
        tasks.push(tokio::spawn(work(client, requests, ledger.clone())));
    }
    for name in 0..REQUESTERS {
        let client = connected(&servers).await;
        let answers = client.subscribe(format!("answers.{name}")).await.unwrap();
        tasks.push(tokio::spawn(ask(client, name, answers, ledger.clone())));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

#[test]
fn each_answered_request_was_answered_once() {
    let mut mesh = Mesh::new();
    let servers: Vec<String> = (0..SERVERS)
        .map(|number| mesh.client_address(number).to_string())
        .collect();
    let elsewhere = mesh.network.machine(ELSEWHERE).clone();
    let ledger = Arc::new(Ledger::default());
    let clients = {
        let ledger = ledger.clone();
        thread::spawn(move || {
            elsewhere.on(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(serve_and_ask(servers, ledger));
            });
        })
    };
    for number in 0..SERVERS {
        ledger.await_some();
        mesh.terminate(number);
        ledger.await_some();
        mesh.start(number);
        mesh.listen(number);
        let others: Vec<usize> = (0..SERVERS).filter(|other| *other != number).collect();
        mesh.await_routes(number, &others);
    }
    ledger.await_some();
    ledger.is_over.store(true, Ordering::Relaxed);
    clients.join().unwrap();
    for (what, counts) in [("done", &ledger.done), ("answered", &ledger.answers)] {
        for (request, times) in &*counts.lock().unwrap() {
            assert_eq!(*times, 1, "request {request} was {what} {times} times");
        }
    }
    mesh.await_whole();
    mesh.expect_delivery();
}
