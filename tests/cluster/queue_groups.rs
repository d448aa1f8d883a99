//! Queue groups have their members at all servers, and each message comes to one of them.

use crate::peer::Route;
use crate::world::{await_interest, await_members, member, servers};

#[test]
fn members_share_messages_by_number_wherever_they_are() {
    let servers = servers(3);
    let mut members = Vec::new();
    for server in [0, 1, 1, 2, 2, 2] {
        let mut member = servers[server].connected();
        member.join("jobs", "workers", "1");
        members.push(member);
    }
    let mut everybody = servers[2].connected();
    everybody.subscribe("jobs", "1");
    for server in &servers {
        // Each member counts, wherever it is.
        await_interest(server, 7);
    }
    let mut publisher = servers[0].connected();
    for _ in 0..1200 {
        publisher.publish("jobs", b"job");
    }
    publisher.sync_silent();
    assert_eq!(everybody.messages(1200).len(), 1200);
    everybody.sync_silent();
    let counts: Vec<usize> = members
        .iter_mut()
        .map(|member| member.sync_messages().len())
        .collect();
    assert_eq!(counts.iter().sum::<usize>(), 1200, "{counts:?}");
    // Five standard deviations of a sixth.
    assert!(counts.iter().all(|count| count.abs_diff(200) < 65), "{counts:?}");
}

#[test]
fn a_message_goes_to_those_members_that_are_left() {
    let servers = servers(2);
    let mut near = servers[0].connected();
    near.join("jobs", "workers", "1");
    let mut far = servers[1].connected();
    far.join("jobs", "workers", "1");
    await_interest(&servers[0], 2);
    far.send("UNSUB 1");
    await_interest(&servers[0], 1);
    let mut publisher = servers[0].connected();
    for _ in 0..20 {
        publisher.publish("jobs", b"");
    }
    publisher.sync_silent();
    assert_eq!(near.sync_messages().len(), 20);
    far.sync_silent();
}

#[test]
fn groups_of_several_names_get_a_message_each() {
    let servers = servers(2);
    let mut members = Vec::new();
    for name in ["one", "two", "three"] {
        let mut member = servers[1].connected();
        member.join("jobs.*", name, "1");
        members.push(member);
    }
    await_interest(&servers[0], 3);
    let mut requester = servers[0].connected();
    requester.subscribe("inbox", "9");
    requester.send("PUB jobs.a inbox 1\r\n1\r\nPUB jobs.b 1\r\n2");
    requester.sync_silent();
    for member in &mut members {
        member.expect("MSG jobs.a 1 inbox 1\r\n1");
        member.expect("MSG jobs.b 1 1\r\n2");
        member.sync_silent();
    }
}

/// The last member here goes while a message for its group is on the way: one elsewhere takes it, be it at the server that
/// has passed the message on.
#[test]
fn a_message_whose_members_are_gone_goes_on() {
    let server = member("a", &[]).start();
    let mut from = Route::introduced_as("NX", &server, "");
    let mut other = Route::introduced_as("NY", &server, "");
    await_members(&server, 2);
    let mut near = server.connected();
    near.join("jobs", "workers", "1");
    from.say("RS+ $G jobs workers 1\r\nRS+ $G jobs alone 1");
    other.say("RS+ $G jobs workers 3");
    // Each member counts, wherever it is.
    await_interest(&server, 6);
    from.say("RMSG $G jobs | workers 1\r\n1");
    near.expect("MSG jobs 1 1\r\n1");
    near.send("UNSUB 1");
    near.sync_silent();
    from.say("RMSG $G jobs + reply workers 1\r\n2\r\nRMSG $G jobs 1\r\n3\r\nRMSG $G jobs | alone 1\r\n4");
    assert_eq!(other.line_with("RMSG"), "RMSG $G jobs + reply workers 1");
    assert_eq!(from.line_with("RMSG"), "RMSG $G jobs | alone 1");
    other.say("RS- $G jobs workers\r\nPING");
    other.line_with("PONG");
    other.say("RMSG $G jobs | workers 1\r\n5\r\nPING");
    assert_eq!(from.line_with("RMSG"), "RMSG $G jobs | workers 1");
    // Nothing that was for nobody has come.
    assert_eq!(other.any_line(), "PONG");
    near.sync_silent();
}
