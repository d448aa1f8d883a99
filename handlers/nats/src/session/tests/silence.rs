//! Clients that say nothing, or cannot answer yet.

use super::*;

#[test]
fn a_peer_that_does_not_answer_is_given_up() {
    let limits = Limits {
        ping_interval: Duration::from_secs(10),
        ping_max: 1,
        ..Limits::default()
    };
    let mut peer = Peer::new(limits, Credentials::Open);
    peer.say(QUIET).did("");
    peer.after(Duration::from_secs(3)).did("< PING");
    peer.recorder.now += Duration::from_millis(5);
    peer.say("PONG\r\n").did("");
    assert_eq!(peer.session.round_trip(), Some(Duration::from_millis(5)));
    peer.after(Duration::from_secs(9)).did("");
    peer.after(Duration::from_secs(10)).did("< PING");
    peer.after(Duration::from_secs(10))
        .did("< -ERR 'Stale Connection'\nclose: Stale Connection");
}

#[test]
fn a_client_whose_large_frame_comes_slowly_is_not_stale() {
    let limits = Limits {
        ping_interval: Duration::from_secs(60),
        ping_max: 2,
        ..Limits::default()
    };
    let mut peer = Peer::new(limits, Credentials::Open);
    peer.say(QUIET).did("");
    peer.after(Duration::from_secs(60)).did("< PING");
    for _ in 0..50 {
        // Its PONG is behind the rest of the frame.
        let now = peer.recorder.now;
        peer.session.heard(now + Duration::from_secs(55));
        peer.after(Duration::from_secs(60)).did("");
    }
    for expected in ["< PING", "< -ERR 'Stale Connection'\nclose: Stale Connection"] {
        peer.after(Duration::from_secs(60)).did(expected);
    }
}
