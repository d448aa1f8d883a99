//! While an account begins to have streams, or no longer has some, each request is answered, and once.

use crate::world::{Folder, ask_json, asker};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use vagus_test_support::{Message, eventually_equal, server};

/// So many requests are under way.
const WINDOW: usize = 16;

/// How often the account begins to have streams, and has none any more.
const CHANGES: usize = 12;

/// An account that may have streams, and one that always may.
fn accounts(folder: &Folder, may_have: bool) -> String {
    let enabled = if may_have { "jetstream: enabled," } else { "" };
    format!(
        "jetstream {{ store_dir: '{}' }}
        accounts {{
            A {{ {enabled} users: [{{user: asker, password: p}}] }}
            B {{ jetstream: enabled, users: [{{user: other, password: p}}] }}
        }}
        no_auth_user: asker",
        folder.path().display()
    )
}

#[test]
fn each_request_is_answered_once() {
    let folder = Folder::new("jetstream");
    let server = server().configured(&accounts(&folder, true)).start();
    let mut client = server
        .client()
        .connect(r#"{"verbose":false,"headers":true,"no_responders":true}"#);
    client.subscribe("answers.*", "7");
    let is_over = Arc::new(AtomicBool::new(false));
    let asking = {
        let is_over = is_over.clone();
        thread::spawn(move || {
            let (mut asked, mut answers, mut refusals) = (0, Vec::new(), 0);
            loop {
                let is_last = is_over.load(Ordering::Acquire);
                let lines: Vec<String> = (asked..asked + WINDOW)
                    .map(|number| format!("PUB $JS.API.INFO answers.{number} 0\r\n"))
                    .collect();
                client.send(&lines.join("\r\n"));
                asked += WINDOW;
                for answer in client.messages(WINDOW) {
                    let Message { subject, payload, .. } = answer;
                    let answer: Value = serde_json::from_slice(&payload).unwrap_or_default();
                    assert_eq!(
                        answer["type"], "io.nats.jetstream.api.v1.account_info_response",
                        "{subject}: {answer}"
                    );
                    refusals += usize::from(answer["error"]["err_code"] == 10039);
                    answers.push(subject);
                }
                if is_last {
                    // Nothing comes twice.
                    assert!(client.sync_messages().is_empty());
                    answers.sort_unstable();
                    answers.dedup();
                    assert_eq!(answers.len(), asked);
                    return (asked, refusals);
                }
            }
        })
    };
    let mut looking = asker(server.client());
    for change in 0..CHANGES {
        let may_have = change % 2 == 1;
        server.reconfigure(&accounts(&folder, may_have));
        eventually_equal(
            || ask_json(&mut looking, "$JS.API.INFO", "")["error"].is_null(),
            may_have,
        );
    }
    is_over.store(true, Ordering::Release);
    let (asked, refusals) = asking.join().unwrap();
    println!("{asked} requests, of which {refusals} were refused");
}
