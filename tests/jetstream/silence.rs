//! Who asks the API for what it does not know gets no answer, as of nats-server.

use crate::world::{Folder, INBOX, ask, ask_json, asker, process};

#[test]
fn what_is_not_known_is_not_answered() {
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    let mut client = asker(server.client());
    for subject in [
        "$JS.API.NOTHING",
        "$JS.API.STREAM.NOTHING.S",
        "$JS.API.CONSUMER.NOTHING.S.C",
        "$JS.API.CONSUMER.MSG.NOTHING",
        "$JS.API.DIRECT.NOTHING",
        "$JS.API.META.LEADER.STEPDOWN",
        "$JS.API.ACCOUNT.PURGE.A",
        "$JS.API.CONSUMER.RESET.S.C",
    ] {
        client.send(&format!("PUB {subject} {INBOX} 0\r\n"));
    }
    // The first answer there is comes to this.
    let info = ask_json(&mut client, "$JS.API.INFO", "");
    assert_eq!(
        info["type"], "io.nats.jetstream.api.v1.account_info_response",
        "{info}"
    );
    // Where consumers and streams would be asked for messages it is said that there are none.
    for subject in ["$JS.API.CONSUMER.MSG.NEXT.S.C", "$JS.API.DIRECT.GET.S"] {
        let answer = ask(&mut client, subject, "");
        assert!(
            answer
                .headers
                .is_some_and(|headers| headers.starts_with("NATS/1.0 503"))
        );
    }
}
