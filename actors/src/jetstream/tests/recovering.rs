//! After errors of the disk, and panics.

use super::*;

/// Nothing is acknowledged meanwhile, what was before is there, and all streams go on by themselves.
#[test]
fn a_log_that_has_failed_is_opened_again() {
    check(SimulatedDisk::new(1), async |mut world: World| {
        let one = world.create("one", "").await;
        let two = world.create("two", r#","persist_mode":"async""#).await;
        for round in 0..3 {
            for name in ["one", "two"] {
                world
                    .publish_until_taken(&format!("{name}.a"), &Bytes::from("x"))
                    .await;
            }
            world.fail(Faults {
                syncs: if round == 1 { 1.0 } else { 0.0 },
                writes: if round == 1 { 0.0 } else { 1.0 },
                ..Faults::default()
            });
            let refused = world.publish("one.a", "lost").await;
            assert!(refused.contains(r#""err_code":10077"#), "{refused}");
            // What there is can be read.
            assert_eq!(state(&one).await.0, round + 1);
            world.mend();
        }
        let before = state(&two).await;
        let (_, why) = world.publish_until_taken("one.b", &Bytes::from("y")).await;
        assert!(why.contains("a write that fails"), "{why}");
        world.publish_until_taken("two.b", &Bytes::from("y")).await;
        assert_eq!(state(&one).await, (4, 1, 4));
        assert_eq!(state(&two).await, (before.0 + 1, 1, before.2 + 1));
        let log = world.jetstream.log();
        assert!(log.healed >= 3 && !log.has_failed, "{log:?}");
        // What is acknowledged is so after a power cut, too, and nothing else is there.
        world.disk.restart();
        let world = World::open(world.disk.clone()).await;
        assert_eq!(state(&world.account.stream("one").unwrap()).await, (4, 1, 4));
    });
}

/// So large a message that few of them are in memory.
fn large() -> Bytes {
    vec![b'x'; 90_000].into()
}

/// Its segments cannot be written: it is opened anew from what is in the log, and others do not notice.
#[test]
fn a_stream_whose_segments_cannot_be_written_is_opened_anew() {
    check(SimulatedDisk::new(2), async |mut world: World| {
        let stream = world.create("one", "").await;
        world.create("memory", r#","storage":"memory""#).await;
        // What is refused as the stream cannot go on may have been in the log already.
        let (mut taken, mut refused) = (0, 0);
        for round in 0..4 {
            for _ in 0..10 {
                let (times, why) = world.publish_until_taken("one.a", &large()).await;
                (taken, refused) = (taken + 1, refused + times as u64);
                assert!(times == 0 || why.contains("10077"), "{why}");
                assert!(!world.publish("memory.a", "x").await.contains("error"));
            }
            // Of what is written now, some fails: the log's, and that of segments.
            world.fail(Faults {
                writes: if round % 2 == 0 { 0.2 } else { 0.0 },
                syncs: if round % 2 == 1 { 0.2 } else { 0.0 },
                ..Faults::default()
            });
            for _ in 0..20 {
                match world.publish("one.a", large()).await.contains("error") {
                    true => refused += 1,
                    false => taken += 1,
                }
            }
            world.mend();
        }
        world.publish_until_taken("one.a", &large()).await;
        taken += 1;
        let (messages, first, last) = state(&stream).await;
        assert!(
            (taken..=taken + refused).contains(&messages),
            "{messages} of {taken}"
        );
        assert_eq!((first, last), (1, messages));
        for sequence in [1, messages / 2, messages] {
            assert_eq!(payload_length(&stream, sequence).await, 90_000);
        }
        world.disk.restart();
        let world = World::open(world.disk.clone()).await;
        let stream = world.account.stream("one").unwrap();
        assert_eq!(state(&stream).await, (messages, 1, messages));
    });
}

/// The stream is offline for a moment, with nats-server's error, whatever part of it panics; others do not notice.
#[test]
fn a_stream_that_panics_is_opened_anew() {
    check(SimulatedDisk::new(3), async |mut world: World| {
        // Of small segments, whose directories have to be read.
        world.create("one", r#","max_bytes":2000000"#).await;
        world.create("two", "").await;
        for _ in 0..20 {
            world.publish_until_taken("one.a", &large()).await;
        }
        world.jetstream.close().await;
        world.disk.kill_process();
        let mut world = World::open(world.disk.clone()).await;
        let stream = world.account.stream("one").unwrap();
        world.fail(Faults {
            panics: 1.0,
            ..Faults::default()
        });
        let delete = vagus_jetstream::api::DeleteMessageRequest {
            sequence: 2,
            no_erase: true,
        };
        assert_eq!(
            stream.delete_message(delete.clone()).await.unwrap_err().err_code,
            10077
        );
        let offline = stream.show(StreamInfoRequest::default()).await.unwrap_err();
        assert_eq!(offline.err_code, 10194, "{offline}");
        let refused = world.publish("one.a", "x").await;
        assert!(refused.contains("it has panicked"), "{refused}");
        assert!(!world.publish("two.a", "x").await.contains("error"));
        world.mend();
        world.publish_until_taken("one.a", &Bytes::from("y")).await;
        // What it panicked at was in the log: it is done now.
        assert_eq!(state(&stream).await, (20, 1, 21));
        assert_eq!(stream.delete_message(delete).await.unwrap_err().err_code, 10043);
        assert_eq!(payload_length(&stream, 7).await, 90_000);
    });
}

/// What it had of others it asks for again, when it is opened anew.
#[test]
fn a_stream_that_is_opened_anew_goes_on_with_its_sources() {
    check(SimulatedDisk::new(4), async |mut world: World| {
        let settings = r#","max_bytes":2000000,"sources":[{"name":"other"}]"#;
        world.create("one", settings).await;
        for _ in 0..20 {
            world.publish_until_taken("one.a", &large()).await;
        }
        world.jetstream.close().await;
        world.disk.kill_process();
        let mut world = World::open(world.disk.clone()).await;
        let subscribe = SubscribeInProcess {
            subjects: vec![InProcessSubject {
                subject: Bytes::from_static(b"$JS.API.CONSUMER.CREATE.>"),
                queue: None,
            }],
            max_pending: usize::MAX,
            when_full: WhenFull::CutOff,
        };
        let mut asked = world.client.subscribe(subscribe).await.unwrap();
        poll_fn(|task| asked.poll_next(task)).await;
        let stream = world.account.stream("one").unwrap();
        world.fail(Faults {
            panics: 1.0,
            ..Faults::default()
        });
        let delete = vagus_jetstream::api::DeleteMessageRequest {
            sequence: 2,
            no_erase: true,
        };
        assert!(stream.delete_message(delete).await.is_err());
        world.mend();
        world.publish_until_taken("one.a", &Bytes::from("y")).await;
        // What nobody has answered is asked once more only after a while.
        let Delivered::Messages(mut again) = poll_fn(|task| asked.poll_next(task)).await else {
            panic!("nobody ends it");
        };
        let request = again.next().unwrap();
        let body: serde_json::Value = serde_json::from_slice(request.parts().payload).unwrap();
        assert_eq!(body["stream_name"], "other", "{body}");
    });
}
