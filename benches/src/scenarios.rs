//! The scenarios: what each one does and what it should reach.

use crate::error::BenchError;
use crate::flood::{self, FloodPlan, PublisherPlan, SubscriberPlan};
use crate::frames::{self, RandomToken};
use crate::measurement::{Measurement, Timing};
use crate::server::RunningServer;
use crate::{opening, paced, round_trip};

/// What a scenario should reach, beside the best of the other servers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Their CPU for each message divided by ours, at least.
    pub cpu: f64,
    /// Their p50 divided by ours, at least.
    pub p50: f64,
    /// Memory of a connection, bytes, at most; without regard to the others.
    pub bytes_per_connection: Option<f64>,
    /// Whether the rate says anything: not where the generator sets the pace.
    pub rate_counts: bool,
}

/// No worse than anyone in anything.
const NO_WORSE: Target = Target {
    cpu: 1.0,
    p50: 1.0,
    bytes_per_connection: None,
    rate_counts: true,
};

const fn cpu(cpu: f64) -> Target {
    Target { cpu, ..NO_WORSE }
}

/// How a scenario is run.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Flood(fn() -> FloodPlan),
    RequestReply { in_flight: usize },
    Echo { connections: usize },
    Paced { per_second: u64 },
    Connect,
    Idle { connections: usize },
}

/// One line of the table for each server.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// Name in the table.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// What it should reach.
    pub target: Target,
    kind: Kind,
}

/// Payload of scenarios whose name does not say another size, bytes.
const SIZE: usize = 128;
/// First token of every subject that carries messages.
const TOKEN: &str = "bench";
const WILDCARDS: u32 = 100_000;
const WILDCARD_CONNECTIONS: u32 = 10;
const HEADERS: &str = "NATS/1.0\r\nNats-Msg-Id: 0123456789\r\n\r\n";

/// All scenarios, in the order of the table.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "pub16",
        about: "publish 16 B, nobody subscribes",
        target: cpu(6.0),
        kind: Kind::Flood(|| publish_only(16)),
    },
    Scenario {
        name: "pub128",
        about: "publish 128 B, nobody subscribes",
        target: NO_WORSE,
        kind: Kind::Flood(|| publish_only(128)),
    },
    Scenario {
        name: "pub64k",
        about: "publish 64 KiB, nobody subscribes",
        target: cpu(2.3),
        kind: Kind::Flood(|| publish_only(65_536)),
    },
    Scenario {
        name: "1to1_16",
        about: "one publisher to one subscriber, 16 B",
        target: NO_WORSE,
        kind: Kind::Flood(|| pairs(1, 16)),
    },
    Scenario {
        name: "1to1_128",
        about: "one publisher to one subscriber, 128 B",
        target: cpu(3.0),
        kind: Kind::Flood(|| pairs(1, 128)),
    },
    Scenario {
        name: "1to1_1k",
        about: "one publisher to one subscriber, 1 KiB",
        target: NO_WORSE,
        kind: Kind::Flood(|| pairs(1, 1_024)),
    },
    Scenario {
        name: "1to1_64k",
        about: "one publisher to one subscriber, 64 KiB",
        target: cpu(2.3),
        kind: Kind::Flood(|| pairs(1, 65_536)),
    },
    Scenario {
        name: "headers_1to1",
        about: "HPUB to HMSG, 128 B and one small header",
        target: NO_WORSE,
        kind: Kind::Flood(with_headers),
    },
    Scenario {
        name: "4to4_128",
        about: "4 publishers, each with its subject and subscriber, 128 B",
        target: NO_WORSE,
        kind: Kind::Flood(|| pairs(4, 128)),
    },
    Scenario {
        name: "64to64_128",
        about: "64 publishers, each with its subject and subscriber, 128 B",
        target: cpu(5.0),
        kind: Kind::Flood(|| pairs(64, 128)),
    },
    Scenario {
        name: "fan10",
        about: "one publisher to 10 subscribers with equal sids, 128 B",
        target: NO_WORSE,
        kind: Kind::Flood(|| fan(10, false)),
    },
    Scenario {
        name: "fan100",
        about: "one publisher to 100 subscribers with equal sids, 128 B",
        target: cpu(8.0),
        kind: Kind::Flood(|| fan(100, false)),
    },
    Scenario {
        name: "fan1000",
        about: "one publisher to 1000 subscribers with equal sids, 128 B",
        target: cpu(8.0),
        kind: Kind::Flood(|| fan(1_000, false)),
    },
    Scenario {
        name: "fan100_distinct",
        about: "one publisher to 100 subscribers with 100 sids, 128 B",
        target: cpu(3.0),
        kind: Kind::Flood(|| fan(100, true)),
    },
    Scenario {
        name: "queue8",
        about: "one publisher to a queue group on 8 connections, 128 B",
        target: cpu(3.5),
        kind: Kind::Flood(queue8),
    },
    Scenario {
        name: "wild100k",
        about: "100,000 wildcard subscriptions on 10 connections, random subjects that match one, 128 B",
        target: cpu(8.0),
        kind: Kind::Flood(wild100k),
    },
    Scenario {
        name: "churn",
        about: "1to1_128 while 100,000 SUB and UNSUB a second go on elsewhere",
        target: cpu(4.5),
        kind: Kind::Flood(|| churn("elsewhere")),
    },
    Scenario {
        name: "churn_same_prefix",
        about: "the same, below the first token of the published subject",
        target: cpu(4.5),
        kind: Kind::Flood(|| churn(TOKEN)),
    },
    Scenario {
        name: "slow_reader",
        about: "1to1_128 while another subscriber of the subject never reads",
        target: NO_WORSE,
        kind: Kind::Flood(slow_reader),
    },
    Scenario {
        name: "echo64",
        about: "64 connections publish to themselves, one message in flight each, 128 B",
        target: cpu(1.4),
        kind: Kind::Echo { connections: 64 },
    },
    Scenario {
        name: "rr1",
        about: "request and reply, one in flight, 128 B; a message is a round trip",
        target: Target {
            cpu: 1.4,
            p50: 1.0 / 0.6,
            ..NO_WORSE
        },
        kind: Kind::RequestReply { in_flight: 1 },
    },
    Scenario {
        name: "rr64",
        about: "request and reply, 64 in flight on one connection, 128 B",
        target: NO_WORSE,
        kind: Kind::RequestReply { in_flight: 64 },
    },
    Scenario {
        name: "lat50k",
        about: "one way, one publisher to one subscriber, paced 50,000 a second, 128 B",
        target: Target {
            rate_counts: false,
            ..NO_WORSE
        },
        kind: Kind::Paced { per_second: 50_000 },
    },
    Scenario {
        name: "conn",
        about: "connect, CONNECT, PING, PONG, close; a message is a connection",
        target: NO_WORSE,
        kind: Kind::Connect,
    },
    Scenario {
        name: "idle10k",
        about: "10,000 idle connections with a subscription each; a message is a connection",
        target: Target {
            bytes_per_connection: Some(3_072.0),
            ..NO_WORSE
        },
        kind: Kind::Idle { connections: 10_000 },
    },
];

impl Scenario {
    /// Runs it once on a server that has served nothing else.
    pub fn run(&self, server: &mut RunningServer, timing: Timing) -> Result<Measurement, BenchError> {
        match self.kind {
            Kind::Flood(plan) => flood::run(&plan(), server, timing),
            Kind::RequestReply { in_flight } => round_trip::request_reply(in_flight, SIZE, server, timing),
            Kind::Echo { connections } => round_trip::echo(connections, SIZE, server, timing),
            Kind::Paced { per_second } => paced::run(per_second, SIZE, server, timing),
            Kind::Connect => opening::connect(server, timing),
            Kind::Idle { connections } => opening::idle(connections, server, timing),
        }
    }
}

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
        stuck: false,
    }
}

fn publish_only(size: usize) -> FloodPlan {
    let publishers = vec![publisher(
        frames::publish(&format!("{TOKEN}.nobody"), None, size),
        0,
    )];
    FloodPlan {
        publishers,
        ..FloodPlan::default()
    }
}

fn pairs(count: usize, size: usize) -> FloodPlan {
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

fn with_headers() -> FloodPlan {
    let subject = format!("{TOKEN}.headers");
    let frame = frames::message_with_headers(&subject, "1", HEADERS, SIZE);
    FloodPlan {
        publishers: vec![publisher(
            frames::publish_with_headers(&subject, HEADERS, SIZE),
            1,
        )],
        subscribers: vec![subscriber(&subject, "", "1", &frame, 0)],
        churn_below: None,
    }
}

fn fan(count: usize, distinct_sids: bool) -> FloodPlan {
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
        churn_below: None,
    }
}

fn queue8() -> FloodPlan {
    let subject = format!("{TOKEN}.queue");
    let frame = frames::message(&subject, "1", None, SIZE);
    FloodPlan {
        publishers: vec![publisher(frames::publish(&subject, None, SIZE), 1)],
        subscribers: (0..8)
            .map(|_| subscriber(&subject, "workers ", "1", &frame, 0))
            .collect(),
        churn_below: None,
    }
}

fn wild100k() -> FloodPlan {
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
        churn_below: None,
    }
}

fn churn(first_token: &str) -> FloodPlan {
    FloodPlan {
        churn_below: Some(format!("{first_token}.churn")),
        ..pairs(1, SIZE)
    }
}

fn slow_reader() -> FloodPlan {
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
    fn names_are_unique() {
        let mut names: Vec<_> = ALL.iter().map(|scenario| scenario.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn every_subscriber_listens_to_a_publisher_that_counts_it() {
        for scenario in ALL {
            let Kind::Flood(plan) = scenario.kind else {
                continue;
            };
            let plan = plan();
            for (index, publisher) in plan.publishers.iter().enumerate() {
                let readers = plan
                    .subscribers
                    .iter()
                    .filter(|s| s.publisher == index && !s.stuck)
                    .count();
                assert_eq!(readers > 0, publisher.fan > 0, "{}", scenario.name);
                // More readers than copies: a queue group, or one subscription a subject.
                assert!(readers as u64 >= publisher.fan, "{}", scenario.name);
            }
        }
    }

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
