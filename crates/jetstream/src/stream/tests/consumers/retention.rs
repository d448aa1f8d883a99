//! Which messages stay because of consumers.

use super::desk;

#[test]
fn what_no_consumer_wants_is_not_kept() {
    let mut desk = desk(r#","retention":"interest""#);
    let scene = &mut desk.scene;
    assert_eq!(scene.publish("p.a", "Nats-Msg-Id: x", ""), r#"{"seq":1}"#);
    assert_eq!(scene.state(), "0 msgs 0 bytes 2-1 subjects 0 deleted 0");
    assert_eq!(
        scene.publish("p.a", "Nats-Msg-Id: x", ""),
        r#"{"seq":1,"duplicate": true}"#
    );
    desk.consumer(r#","filter_subject":"p.b""#);
    desk.publish(&["p.a", "p.b", "p.a"]);
    assert_eq!(desk.scene.state(), "1 msgs 22 bytes 3-4 subjects 1 deleted 1");
    desk.delete("C");
    desk.effects();
    desk.publish(&["p.b"]);
    assert_eq!(desk.scene.state(), "0 msgs 0 bytes 6-5 subjects 0 deleted 0");
}

#[test]
fn what_consumers_have_done_with_goes() {
    for (settings, left) in [
        ("", 3),
        (r#","retention":"workqueue""#, 1),
        (r#","retention":"interest""#, 1),
    ] {
        let mut desk = desk(settings);
        desk.consumer("");
        desk.publish(&["p.a", "p.b", "p.c"]);
        desk.pull("r", "2");
        desk.sent();
        desk.ack([1, 2]);
        desk.effects();
        assert_eq!(desk.scene.messages().len(), left, "{settings}");
    }
}
