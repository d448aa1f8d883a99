//! So many requests of an account wait for their answers as the configuration says, and not more.

use crate::world::{Folder, ask_json, user};
use serde_json::Value;
use vagus_test_support::{eventually, server};

const LIMIT: usize = 20;
const REQUESTS: usize = 400;
const KIND: &str = "io.nats.jetstream.advisory.v1.api_limit_reached";

#[test]
fn what_is_too_much_is_dropped_and_told_and_nobody_else_notices() {
    let folder = Folder::new("jetstream");
    let text = format!(
        "store_dir: '{}', jetstream {{ request_queue_limit: {LIMIT} }}
         accounts {{
            A {{ users: [{{user: a, password: p}}], jetstream: enabled }}
            B {{ users: [{{user: b, password: p}}], jetstream: enabled }}
            SYS {{ users: [{{user: sys, password: p}}] }}
         }}
         system_account: SYS",
        folder.path().display()
    );
    let server = server().configured(&text).start();
    let mut operator = user(&server, "sys");
    operator.subscribe("$JS.EVENT.ADVISORY.API.LIMIT_REACHED", "1");
    let mut flooding = user(&server, "a");
    flooding.send_bytes(
        "PUB $JS.API.STREAM.NAMES inbox 0\r\n\r\n"
            .repeat(REQUESTS)
            .as_bytes(),
    );
    let (mut answered, mut dropped) = (0, 0);
    eventually(|| {
        answered += flooding.sync_messages().len();
        for told in operator.sync_messages() {
            let told: Value = serde_json::from_slice(&told.payload).unwrap();
            assert_eq!(told["type"], KIND, "{told}");
            let requests = usize::try_from(told["dropped"].as_u64().unwrap()).unwrap();
            assert!(requests >= LIMIT, "{told}");
            dropped += requests;
        }
        answered + dropped == REQUESTS
    });
    assert!(answered > 0 && dropped > 0, "{answered} {dropped}");
    for name in ["a", "b"] {
        let info = ask_json(&mut user(&server, name), "$JS.API.INFO", "");
        assert!(info["error"].is_null(), "{info}");
    }
}
