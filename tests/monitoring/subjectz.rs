//! The subjects with most traffic are shown, the busiest first.

use vagus_test_support::{eventually, server};

#[test]
fn shows_the_busiest_first() {
    let server = server().monitoring().arbiters(1).start();
    let empty = server.get("/subjectz").json();
    assert_eq!(
        (empty["num_subjects"].as_u64(), &empty["server_id"]),
        (Some(0), &server.id().into())
    );
    let mut publisher = server.connected();
    let mut publish = |subject: &str, count: usize| {
        publisher.send_bytes(format!("PUB {subject} 4\r\nfour\r\n").repeat(count).as_bytes());
        publisher.send("PING");
        publisher.until_pong();
    };
    // What comes once is not counted: a subject is noticed when it comes again.
    for _ in 0..2 {
        publish("busy.1", 1);
        publish("busy.2", 1);
    }
    let names = |path: &str| -> Vec<String> {
        let shown = server.get(path).json();
        let subjects = shown["subjects"].as_array().unwrap();
        subjects
            .iter()
            .map(|subject| subject["subject"].as_str().unwrap().to_owned())
            .collect()
    };
    eventually(|| {
        publish("busy.1", 500);
        publish("busy.2", 5_000);
        names("/subjectz") == ["busy.2", "busy.1"]
    });
    assert_eq!(names("/subjectz?limit=1").len(), 1);
    assert_eq!(server.get("/subjectz?limit=1").json()["num_subjects"], 2);
    assert_eq!(server.get("/subjectz?limit=x").status, 400);
    let shown = server.get("/subjectz").json();
    let busiest = &shown["subjects"][0];
    assert_eq!(
        busiest["bytes"].as_u64().unwrap(),
        4 * busiest["msgs"].as_u64().unwrap()
    );
    assert!(busiest["rate"].as_f64().unwrap() > 0.0);
    assert_eq!(busiest["deliveries"], 0);
}
