use super::{judge, read};

#[test]
fn a_prefix_and_connections() {
    let metrics = |text: &str| read(text).unwrap().config.metrics;
    let default = metrics("port: 4222");
    assert_eq!((default.prefix.as_str(), default.connections), ("gnatsd", false));
    let set = metrics("metrics { prefix: nats, connections: true }");
    assert_eq!((set.prefix.as_str(), set.connections), ("nats", true));
}

#[test]
fn what_is_no_prefix() {
    for (text, verdict) in [
        ("metrics { prefix: _a1 }", "valid"),
        ("metrics {\n prefix: \"1a\"\n}", "2:2"),
        ("metrics {\n prefix: \"a-b\"\n}", "2:2"),
        ("metrics {\n prefix: \"\"\n}", "2:2"),
        ("metrics {\n connections: 5\n}", "2:2"),
        ("metrics {\n colour: blue\n}", "2:2"),
        ("metrics: on", "1:0"),
    ] {
        assert_eq!(judge(text), verdict, "{text}");
    }
}
