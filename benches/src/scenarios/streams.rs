//! Streams: publishing to them, consuming them, having them.

use super::kind::Kind;
use super::{NO_WORSE, SIZE, Scenario, Target};
use crate::consuming::{Asking, ConsumingPlan};
use crate::keeping::{KeepingPlan, Kept, Looked};
use crate::server::End;
use crate::setup::Durability;
use crate::storing::StoringPlan;

/// One connection that has 512 messages under way, all for one stream in a file.
const STORE_512: StoringPlan = StoringPlan {
    connections: 1,
    in_flight: 512,
    streams: 1,
    keys: 0,
    idle_consumers: 0,
    size: SIZE,
    storage: "file",
};

/// As many that have one message under way each.
const STORE_64_CONNECTIONS: StoringPlan = StoringPlan {
    connections: 64,
    in_flight: 1,
    ..STORE_512
};

const STORE_1: StoringPlan = StoringPlan {
    in_flight: 1,
    ..STORE_512
};

/// One that asks for 500 messages at a time, of a stream of 200,000.
const CONSUME: ConsumingPlan = ConsumingPlan {
    messages: 200_000,
    filter: None,
    asking: Asking::ForBatches(500),
    acknowledged: false,
};

/// A stream of a million messages on a thousand subjects.
const A_MILLION: Kept = Kept::Messages {
    messages: 1_000_000,
    subjects: 1_000,
};

const fn taking_bytes(bytes: f64) -> Target {
    Target {
        bytes_each: Some(bytes),
        rate_counts: false,
        ..NO_WORSE
    }
}

const fn keeping(
    name: &'static str,
    about: &'static str,
    kept: Kept,
    looked: Looked,
    target: Target,
) -> Scenario {
    Scenario {
        name,
        about,
        target,
        kind: Kind::Keeping(KeepingPlan { kept, looked }),
    }
}

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "store512",
        about: "publish 128 B to a stream in a file, 512 unacknowledged",
        target: NO_WORSE,
        kind: Kind::Storing(STORE_512, Durability::AsByDefault),
    },
    Scenario {
        name: "store512_always",
        about: "the same, each acknowledged once it is on the disk",
        target: NO_WORSE,
        kind: Kind::Storing(STORE_512, Durability::OnDisk),
    },
    Scenario {
        name: "store512_1k",
        about: "1 KiB, 512 unacknowledged",
        target: NO_WORSE,
        kind: Kind::Storing(
            StoringPlan {
                size: 1_024,
                ..STORE_512
            },
            Durability::AsByDefault,
        ),
    },
    Scenario {
        name: "store64",
        about: "128 B, 64 unacknowledged",
        target: NO_WORSE,
        kind: Kind::Storing(
            StoringPlan {
                in_flight: 64,
                ..STORE_512
            },
            Durability::AsByDefault,
        ),
    },
    Scenario {
        name: "store1",
        about: "128 B, one unacknowledged",
        target: NO_WORSE,
        kind: Kind::Storing(STORE_1, Durability::AsByDefault),
    },
    Scenario {
        name: "store1_always",
        about: "the same, each acknowledged once it is on the disk",
        target: NO_WORSE,
        kind: Kind::Storing(STORE_1, Durability::OnDisk),
    },
    Scenario {
        name: "store64to1",
        about: "64 connections publish to one stream, one message unacknowledged each",
        target: NO_WORSE,
        kind: Kind::Storing(STORE_64_CONNECTIONS, Durability::AsByDefault),
    },
    Scenario {
        name: "store64to1_always",
        about: "the same, each acknowledged once it is on the disk",
        target: NO_WORSE,
        kind: Kind::Storing(STORE_64_CONNECTIONS, Durability::OnDisk),
    },
    Scenario {
        name: "store_100streams",
        about: "one connection publishes to 100 streams in turns, 512 unacknowledged",
        target: NO_WORSE,
        kind: Kind::Storing(
            StoringPlan {
                streams: 100,
                ..STORE_512
            },
            Durability::AsByDefault,
        ),
    },
    Scenario {
        name: "store_keys",
        about: "one connection sets the values of 1,000 keys of a bucket, again and again, 512 unacknowledged",
        target: NO_WORSE,
        kind: Kind::Storing(
            StoringPlan {
                keys: 1_000,
                ..STORE_512
            },
            Durability::AsByDefault,
        ),
    },
    Scenario {
        name: "store_memory",
        about: "publish 128 B to a stream in memory, 512 unacknowledged",
        target: NO_WORSE,
        kind: Kind::Storing(
            StoringPlan {
                storage: "memory",
                ..STORE_512
            },
            Durability::AsByDefault,
        ),
    },
    Scenario {
        name: "store_1000idle",
        about: "publish 128 B to a stream with 1,000 idle consumers, 512 unacknowledged",
        target: NO_WORSE,
        kind: Kind::Storing(
            StoringPlan {
                idle_consumers: 1_000,
                ..STORE_512
            },
            Durability::AsByDefault,
        ),
    },
    Scenario {
        name: "consume_push",
        about: "a push consumer without acknowledgements, 128 B",
        target: NO_WORSE,
        kind: Kind::Consuming(ConsumingPlan {
            asking: Asking::Pushed,
            ..CONSUME
        }),
    },
    Scenario {
        name: "consume_500",
        about: "a pull consumer without acknowledgements, 500 messages a request",
        target: NO_WORSE,
        kind: Kind::Consuming(CONSUME),
    },
    Scenario {
        name: "consume_500_acks",
        about: "the same, each message acknowledged",
        target: NO_WORSE,
        kind: Kind::Consuming(ConsumingPlan {
            acknowledged: true,
            ..CONSUME
        }),
    },
    Scenario {
        name: "consume_1",
        about: "the same, one message a request",
        target: NO_WORSE,
        kind: Kind::Consuming(ConsumingPlan {
            asking: Asking::ForBatches(1),
            acknowledged: true,
            ..CONSUME
        }),
    },
    Scenario {
        name: "consume_filtered",
        about: "a pull consumer of one subject of 100 in turns, 500 messages a request",
        target: NO_WORSE,
        kind: Kind::Consuming(ConsumingPlan {
            messages: 1_000_000,
            filter: Some("bench.000042"),
            ..CONSUME
        }),
    },
    keeping(
        "start_1m",
        "start with a stream of 1,000,000 messages of 128 B, which was stopped; a message is a start",
        A_MILLION,
        Looked::Start(End::Stopped),
        NO_WORSE,
    ),
    keeping(
        "start_1m_killed",
        "the same, killed",
        A_MILLION,
        Looked::Start(End::Killed),
        NO_WORSE,
    ),
    keeping(
        "start_1000streams",
        "the same with 1,000 streams, stopped",
        Kept::Streams(1_000),
        Looked::Start(End::Stopped),
        NO_WORSE,
    ),
    keeping(
        "start_5000consumers",
        "the same with 5,000 durable consumers of one subject each, stopped",
        Kept::Consumers(5_000),
        Looked::Start(End::Stopped),
        NO_WORSE,
    ),
    keeping(
        "stream_info",
        "STREAM.INFO with all of 100,000 subjects; a message is all of them",
        Kept::Messages {
            messages: 100_000,
            subjects: 100_000,
        },
        Looked::Subjects,
        NO_WORSE,
    ),
    keeping(
        "idle_streams",
        "1,000 idle streams; a message is a stream created, memory is that of each",
        Kept::Streams(1_000),
        Looked::Memory,
        taking_bytes(16_384.0),
    ),
    keeping(
        "idle_consumers",
        "5,000 idle durable consumers of one stream; a message is one created, memory is that of each",
        Kept::Consumers(5_000),
        Looked::Memory,
        taking_bytes(4_096.0),
    ),
    keeping(
        "disk_1m",
        "a stopped stream of 1,000,000 messages of 128 B; memory is the disk that each takes, without the log",
        A_MILLION,
        Looked::Disk,
        taking_bytes(165.0),
    ),
];
