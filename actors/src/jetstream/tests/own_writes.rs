//! What was published before a question is seen in its answer, and nobody waits for more than that.

use super::*;
use futures_util::FutureExt as _;
use std::pin::pin;
use std::time::Instant;

/// Publishes something of which nobody wants to hear.
async fn publish(world: &World, subject: &'static str) {
    let message = InProcessMessage {
        subject: Bytes::from_static(subject.as_bytes()),
        reply: None,
        header: None,
        payload: Bytes::new(),
        except: None,
    };
    assert_eq!(world.client.publish(message).await, Some(true));
}

async fn messages_as_of(stream: &StreamAddress, asked_at: Instant) -> u64 {
    let wanted = StreamInfoRequest::default();
    stream.show_as_of(wanted, asked_at).await.unwrap().state.messages
}

/// Thousands who have asked together wait for one write, and not one after the other.
#[test]
fn who_has_asked_before_does_not_wait_for_what_came_since() {
    check(SimulatedDisk::new(1), async |world: World| {
        let stream = world.create("one", "").await;
        publish(&world, "one.a").await;
        let before = Instant::now();
        assert_eq!(messages_as_of(&stream, before).await, 1);
        let disk = world.disk.clone();
        let stopped = disk.stop();
        publish(&world, "one.a").await;
        let mut now = pin!(messages_as_of(&stream, Instant::now()));
        assert!(now.as_mut().now_or_never().is_none());
        assert_eq!(messages_as_of(&stream, before).await, 1);
        // It was asked before, and still waits.
        assert!(now.as_mut().now_or_never().is_none());
        drop(stopped);
        assert_eq!(now.await, 2);
    });
}

/// Who wants a message that is there does not wait for the disk, whatever else is being written.
#[test]
fn who_asks_for_another_message_does_not_wait() {
    check(SimulatedDisk::new(2), async |world: World| {
        let stream = world.create("one", "").await;
        let last_of = |subject: &str| GetRequest {
            last_for: subject.to_owned(),
            ..GetRequest::default()
        };
        publish(&world, "one.a").await;
        assert!(stream.get(last_of("one.a")).await.is_ok());
        let disk = world.disk.clone();
        let stopped = disk.stop();
        publish(&world, "one.b").await;
        let mut other = pin!(stream.get(last_of("one.b")));
        assert!(other.as_mut().now_or_never().is_none());
        assert!(stream.get(last_of("one.a")).await.is_ok());
        assert!(other.as_mut().now_or_never().is_none());
        drop(stopped);
        assert!(other.await.is_ok());
    });
}
