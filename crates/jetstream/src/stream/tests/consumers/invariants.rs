//! What holds of consumers whatever happens, each for itself; random commands look at the same in `models`.

use super::desk;
use crate::api::PurgeRequest;

#[test]
fn invariant_8_what_is_pending_is_what_a_recount_says() {
    let mut desk = desk("");
    for (name, filter) in [
        ("ALL", ""),
        ("A", r#","filter_subject":"p.a""#),
        ("X", r#","filter_subjects":["p.*.x","p.b"]"#),
    ] {
        desk.consumer_named(name, filter);
    }
    desk.publish(&["p.a", "p.b", "p.a.x", "p.a", "p.b.x", "p.c"]);
    let pending = |desk: &mut super::Desk| ["ALL", "A", "X"].map(|name| desk.info_of(name).num_pending);
    assert_eq!(pending(&mut desk), [6, 2, 3]);
    desk.scene.delete(2);
    assert_eq!(pending(&mut desk), [5, 2, 2]);
    desk.pull_from("ALL", "r", "2");
    assert_eq!(desk.delivered().len(), 2);
    assert_eq!(pending(&mut desk), [3, 2, 2]);
    desk.scene.purge(&PurgeRequest {
        filter: "p.a".to_owned(),
        ..PurgeRequest::default()
    });
    assert_eq!(pending(&mut desk), [2, 0, 2]);
    desk.read_again();
    assert_eq!(pending(&mut desk), [2, 0, 2]);
    desk.publish(&["p.a", "p.b"]);
    assert_eq!(pending(&mut desk), [4, 1, 3]);
}

#[test]
fn invariant_9_a_message_is_there_as_long_as_a_consumer_needs_it() {
    let mut desk = desk(r#","retention":"interest""#);
    desk.consumer_named("C", r#","filter_subject":"p.a""#);
    desk.consumer_named("D", "");
    desk.publish(&["p.a", "p.b"]);
    for name in ["C", "D"] {
        desk.pull_from(name, "r", "5");
        desk.effects();
    }
    desk.say_to("C", 1, "+ACK", "");
    desk.effects();
    assert_eq!(desk.scene.messages().len(), 2);
    desk.say_to("D", 1, "+ACK", "");
    desk.effects();
    assert_eq!(desk.scene.messages().len(), 1);
    // Nobody needs what only one needed that is gone.
    desk.delete("D");
    desk.effects();
    assert_eq!(desk.scene.messages().len(), 0);
    desk.publish(&["p.b"]);
    assert_eq!(desk.scene.messages().len(), 0);
}

#[test]
fn invariant_11_a_pending_message_that_is_deleted_frees_its_place_and_the_floor_never_goes_back() {
    let mut desk = desk("");
    desk.consumer(r#","max_ack_pending":1"#);
    desk.publish(&["p.a", "p.b", "p.c"]);
    desk.pull("r", "3");
    assert_eq!(desk.delivered().len(), 1);
    desk.scene.delete(1);
    assert_eq!(desk.delivered().len(), 1);
    desk.ack([2]);
    assert_eq!(desk.delivered().len(), 1);
    let before = desk.info().ack_floor;
    // What was said before is said again.
    desk.ack([1, 2]);
    desk.effects();
    let after = desk.info().ack_floor;
    assert!(after.stream >= before.stream && after.consumer >= before.consumer);
}
