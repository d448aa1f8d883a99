//! Who publishes what to whom in the scenarios about throughput.

use crate::flood::{FloodPlan, Logins, PublisherPlan, SubscriberPlan};
use crate::frames::{self, RandomToken};
use crate::scenarios::SIZE;
use crate::setup::ACCOUNTS;

/// First token of every subject that carries messages.
pub(crate) const TOKEN: &str = "bench";
const WILDCARDS: u32 = 100_000;
const WILDCARD_CONNECTIONS: u32 = 10;
const HEADERS: &str = "NATS/1.0\r\nNats-Msg-Id: 0123456789\r\n\r\n";

fn publisher(frame: Vec<u8>, fan: u64) -> PublisherPlan {
    PublisherPlan {
        frame,
        random: None,
        fan,
    }
}

/// A subscriber of `subject` that receives copies of `frame`, perhaps with another queue group.
fn subscriber(subject: &str, queue: &str, sid: &str, frame: &[u8], publisher: usize) -> SubscriberPlan {
    SubscriberPlan {
        lines: format!("SUB {subject} {queue}{sid}\r\n").into_bytes(),
        prefix: frames::control_line(frame).to_vec(),
        frame_bytes: frame.len(),
        publisher,
        server: 0,
        stuck: false,
    }
}

/// One publisher, nobody subscribes.
pub(crate) fn publish_only(size: usize) -> FloodPlan {
    let publishers = vec![publisher(
        frames::publish(&format!("{TOKEN}.nobody"), None, size),
        0,
    )];
    FloodPlan {
        publishers,
        ..FloodPlan::default()
    }
}

/// `count` publishers, each with its own subject and subscriber.
pub(crate) fn pairs(count: usize, size: usize) -> FloodPlan {
    let mut plan = FloodPlan::default();
    for number in 0..count {
        let subject = format!("{TOKEN}.pair{number:02}");
        plan.publishers
            .push(publisher(frames::publish(&subject, None, size), 1));
        let frame = frames::message(&subject, "1", None, size);
        plan.subscribers
            .push(subscriber(&subject, "", "1", &frame, number));
    }
    plan
}

/// The same, each pair in an account of its own.
pub(crate) fn accounts() -> FloodPlan {
    FloodPlan {
        logins: Logins::ByPair,
        ..pairs(ACCOUNTS, SIZE)
    }
}

/// One publisher in one account, one subscriber in another that imports its messages under another name.
pub(crate) fn imported() -> FloodPlan {
    let subject = format!("{TOKEN}.pair00");
    let local = format!("from.{subject}");
    let frame = frames::message(&local, "1", None, SIZE);
    FloodPlan {
        publishers: vec![publisher(frames::publish(&subject, None, SIZE), 1)],
        subscribers: vec![subscriber(&local, "", "1", &frame, 0)],
        logins: Logins::Publishers("exporter", "bench"),
        ..FloodPlan::default()
    }
}

/// One publisher with headers to one subscriber.
pub(crate) fn with_headers() -> FloodPlan {
    let subject = format!("{TOKEN}.headers");
    let frame = frames::message_with_headers(&subject, "1", HEADERS, SIZE);
    FloodPlan {
        publishers: vec![publisher(
            frames::publish_with_headers(&subject, HEADERS, SIZE),
            1,
        )],
        subscribers: vec![subscriber(&subject, "", "1", &frame, 0)],
        ..FloodPlan::default()
    }
}

/// One publisher to `count` subscribers.
pub(crate) fn fan(count: usize, distinct_sids: bool) -> FloodPlan {
    let subject = format!("{TOKEN}.fan");
    let subscribe = |number: usize| {
        // The same width everywhere, so that both variants deliver frames of the same size.
        let sid = format!("{}", 1_000 + if distinct_sids { number } else { 0 });
        subscriber(
            &subject,
            "",
            &sid,
            &frames::message(&subject, &sid, None, SIZE),
            0,
        )
    };
    FloodPlan {
        publishers: vec![publisher(frames::publish(&subject, None, SIZE), count as u64)],
        subscribers: (0..count).map(subscribe).collect(),
        ..FloodPlan::default()
    }
}

/// One publisher to a queue group on eight connections.
pub(crate) fn queue8() -> FloodPlan {
    let subject = format!("{TOKEN}.queue");
    let frame = frames::message(&subject, "1", None, SIZE);
    FloodPlan {
        publishers: vec![publisher(frames::publish(&subject, None, SIZE), 1)],
        subscribers: (0..8)
            .map(|_| subscriber(&subject, "workers ", "1", &frame, 0))
            .collect(),
        ..FloodPlan::default()
    }
}

/// The same, with its subscribers on these servers of a cluster, in turns.
pub(crate) fn on_servers(servers: &[usize], mut plan: FloodPlan) -> FloodPlan {
    let turns = servers.iter().cycle();
    for (subscriber, server) in plan.subscribers.iter_mut().zip(turns) {
        subscriber.server = *server;
    }
    plan
}

/// Wildcard subscriptions, and a publisher whose subjects match one of them each.
pub(crate) fn wild100k() -> FloodPlan {
    let subject = |number: u32, last: &str| format!("{TOKEN}.{number:06}.{last}");
    let frame = frames::publish(&subject(0, "z"), None, SIZE);
    let token = RandomToken {
        offset: "PUB ".len() + TOKEN.len() + 1,
        width: 6,
        bound: WILDCARDS,
    };
    let each = WILDCARDS / WILDCARD_CONNECTIONS;
    let subscribe = |connection: u32| {
        let mut lines = Vec::new();
        for number in 0..each {
            let subject = subject(connection * each + number, "*");
            lines.extend_from_slice(format!("SUB {subject} {}\r\n", 10_000 + number).as_bytes());
        }
        let prefix = format!("MSG {TOKEN}.").into_bytes();
        let frame_bytes = frames::message(&subject(0, "z"), "10000", None, SIZE).len();
        SubscriberPlan {
            lines,
            prefix,
            frame_bytes,
            publisher: 0,
            server: 0,
            stuck: false,
        }
    };
    FloodPlan {
        publishers: vec![PublisherPlan {
            frame,
            random: Some(token),
            fan: 1,
        }],
        subscribers: (0..WILDCARD_CONNECTIONS).map(subscribe).collect(),
        ..FloodPlan::default()
    }
}

/// A pair, while another connection subscribes and unsubscribes below `first_token`.
pub(crate) fn churn(first_token: &str) -> FloodPlan {
    FloodPlan {
        churn_below: Some(format!("{first_token}.churn")),
        ..pairs(1, SIZE)
    }
}

/// A pair, while others fail to log in.
pub(crate) fn login_storm() -> FloodPlan {
    FloodPlan {
        failing_logins: true,
        ..pairs(1, SIZE)
    }
}

/// A pair, and a second subscriber that never reads.
pub(crate) fn slow_reader() -> FloodPlan {
    let mut plan = pairs(1, SIZE);
    let stuck = plan.subscribers.first().map(|healthy| SubscriberPlan {
        stuck: true,
        ..healthy.clone()
    });
    plan.subscribers.extend(stuck);
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_digits_replace_the_right_token() {
        let plan = wild100k();
        let token = plan.publishers[0].random.unwrap();
        let frame = &plan.publishers[0].frame;
        assert_eq!(
            &frame[token.offset - 1..token.offset + token.width + 1],
            b".000000."
        );
        assert_eq!(
            plan.subscribers[9].lines.split(|byte| *byte == b'\n').count(),
            10_001
        );
    }
}
