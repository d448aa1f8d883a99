//! What a backup has that could never have been published is refused.

use super::scene;
use crate::message::Message;
use crate::time::Time;
use bytes::Bytes;

#[test]
fn what_could_not_be_published_is_not_restored() {
    let message = |sequence, subject: &'static str, headers: &'static str| Message {
        sequence,
        time: Time(7),
        subject: Bytes::from_static(subject.as_bytes()),
        headers: Bytes::from_static(headers.as_bytes()),
        payload: Bytes::new(),
    };
    let mut scene = scene("");
    for (sequence, subject, headers) in [
        (1, "p a", ""),
        (1, "p.a\r\nMSG x 1 0\r\n", ""),
        (1, "", ""),
        (1, "p.a", "no headers"),
        (u64::MAX, "p.a", ""),
    ] {
        let refused = scene
            .stream
            .request_restore(vec![message(sequence, subject, headers)], 0, 1);
        assert_eq!(refused.unwrap_err().err_code, 10062, "{subject}");
    }
    assert!(scene.stream.request_restore(Vec::new(), u64::MAX, 1).is_err());
    let two = vec![message(2, "p.a", ""), message(2, "p.b", "")];
    assert!(scene.stream.request_restore(two, 0, 1).is_err());
    scene.commit();
    scene
        .stream
        .request_restore(vec![message(5, "p.c", "NATS/1.0\r\nA: b\r\n\r\n")], 9, 1)
        .unwrap();
    scene.commit();
    assert_eq!(scene.messages(), ["2 p.a [] ", "5 p.c [A: b] "]);
    assert_eq!(scene.stream.last_sequence(), 9);
}
