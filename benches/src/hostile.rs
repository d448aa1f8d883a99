//! Attacks on a server, and what they cost the others.
//!
//! Each attack meets a fresh server. Beside it ordinary clients go on: they exchange messages, subscribe, come anew,
//! and ask for the server's health. What counts is how long the longest of them waited, how much memory the attack
//! took, and how much of it the server keeps once the attackers are gone.

pub mod attacks;
pub mod callout;
pub mod client;
pub mod outcome;
pub mod probes;
pub mod resolver;
pub mod scene;
pub mod stage;
pub mod tokens;

use attacks::{gateways, http, interest, leafs, memory, newcomers, peers, publishing, strangers, tenants};
use scene::{Held, Scene};
use stage::Stage;

use crate::error::BenchError;

/// Something that a bad peer does.
#[derive(Debug, Clone, Copy)]
pub struct Attack {
    /// Short, for the table and for `--only`.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// How the server is set.
    pub stage: Stage,
    /// Nobody new gets in while it lasts, whatever the server does.
    pub shuts_out: bool,
    /// Does it. What it returns is held for a moment, then dropped at once: so the attackers leave.
    pub run: fn(&Scene) -> Result<Held, BenchError>,
}

/// All attacks, in the order of the table.
pub const ALL: &[Attack] = &[
    Attack {
        name: "overlapping",
        about: "65,536 overlapping wildcards, then 1,260 new subjects below them in one write",
        stage: Stage::Plain,
        shuts_out: false,
        run: publishing::overlapping,
    },
    Attack {
        name: "overlapping_wide",
        about: "the same with 262,144 wildcards",
        stage: Stage::Plain,
        shuts_out: false,
        run: publishing::overlapping_wide,
    },
    Attack {
        name: "overlapping_hits",
        about: "65,536 overlapping wildcards that match, their owner reading what comes",
        stage: Stage::Plain,
        shuts_out: false,
        run: publishing::overlapping_hits,
    },
    Attack {
        name: "one_subject",
        about: "100,000 subscriptions to one subject, then 64 KiB of messages to it, nobody reading",
        stage: Stage::Plain,
        shuts_out: false,
        run: publishing::one_subject,
    },
    Attack {
        name: "one_subject_read",
        about: "the same, 10,000 subscriptions, their owner reading what comes",
        stage: Stage::Plain,
        shuts_out: false,
        run: publishing::one_subject_read,
    },
    Attack {
        name: "group",
        about: "400,000 members of one queue group join, and leave at once",
        stage: Stage::Plain,
        shuts_out: false,
        run: interest::group,
    },
    Attack {
        name: "groups",
        about: "100,000 queue groups of one member each begin, and end at once",
        stage: Stage::Plain,
        shuts_out: false,
        run: interest::groups,
    },
    Attack {
        name: "leaving",
        about: "1,000,000 subscriptions of one connection end at once",
        stage: Stage::Plain,
        shuts_out: false,
        run: interest::leaving,
    },
    Attack {
        name: "leaving_many",
        about: "1,000 connections with 1,000 subscriptions each leave at once",
        stage: Stage::Plain,
        shuts_out: false,
        run: interest::leaving_many,
    },
    Attack {
        name: "deep",
        about: "10,000 wildcard subjects of 4 KB",
        stage: Stage::Plain,
        shuts_out: false,
        run: interest::deep,
    },
    Attack {
        name: "large_frames",
        about: "2,000 connections send a message of 1 MiB each, and then one byte of another",
        stage: Stage::Plain,
        shuts_out: false,
        run: memory::large_frames,
    },
    Attack {
        name: "pings",
        about: "20 connections send PINGs and never read",
        stage: Stage::Plain,
        shuts_out: false,
        run: memory::pings,
    },
    Attack {
        name: "small_pending",
        about: "4 subscribers of small messages never read",
        stage: Stage::Plain,
        shuts_out: false,
        run: memory::small_pending,
    },
    Attack {
        name: "responses",
        about: "65,536 requests with replies of 4 KB to one who may answer each",
        stage: Stage::Responses,
        shuts_out: false,
        run: memory::responses,
    },
    Attack {
        name: "arrivals",
        about: "four threads connect and leave as fast as they can",
        stage: Stage::Plain,
        shuts_out: false,
        run: newcomers::arrivals,
    },
    Attack {
        name: "descriptors",
        about: "100 connections to a server that may have 60 descriptors",
        stage: Stage::Plain,
        shuts_out: true,
        run: newcomers::descriptors,
    },
    Attack {
        name: "tls_stuck",
        about: "5,000 connections send the first byte of a TLS handshake",
        stage: Stage::Tls,
        shuts_out: false,
        run: newcomers::tls_stuck,
    },
    Attack {
        name: "tls_storm",
        about: "four threads do one TLS handshake after the other",
        stage: Stage::Tls,
        shuts_out: false,
        run: newcomers::tls_storm,
    },
    Attack {
        name: "wrong_logins",
        about: "40 wrong logins a second from another address, against hashed passwords",
        stage: Stage::Logins,
        shuts_out: false,
        run: newcomers::wrong_logins,
    },
    Attack {
        name: "http_idle",
        about: "300 HTTP connections with one request each stay open",
        stage: Stage::Monitored,
        shuts_out: false,
        run: http::idle,
    },
    Attack {
        name: "http_unread",
        about: "256 HTTP connections ask 400 times each, and never read",
        stage: Stage::Monitored,
        shuts_out: false,
        run: http::unread,
    },
    Attack {
        name: "http_connz",
        about: "200 HTTP connections ask for 500 clients with their subscriptions, and never read",
        stage: Stage::Monitored,
        shuts_out: false,
        run: http::connz,
    },
    Attack {
        name: "tenant_flood",
        about: "four publishers of another account flood a subscriber there",
        stage: Stage::Tenants,
        shuts_out: false,
        run: tenants::flood,
    },
    Attack {
        name: "tenant_groups",
        about: "in another account 100,000 queue groups begin and end, one by one",
        stage: Stage::Tenants,
        shuts_out: false,
        run: tenants::groups,
    },
    Attack {
        name: "tenant_leaving",
        about: "in another account 1,000,000 subscriptions of one connection end at once",
        stage: Stage::Tenants,
        shuts_out: false,
        run: tenants::leaving,
    },
    Attack {
        name: "tenant_shadows",
        about: "200,000 subscriptions of another account to what it imports of that of the others, which end at once",
        stage: Stage::Tenants,
        shuts_out: false,
        run: tenants::shadows,
    },
    Attack {
        name: "token_logins",
        about: "four threads log in with a token and leave, as fast as they can",
        stage: Stage::Tokens,
        shuts_out: false,
        run: newcomers::token_logins,
    },
    Attack {
        name: "unknown_accounts",
        about: "four threads present tokens of accounts that have to be looked for in vain",
        stage: Stage::Tokens,
        shuts_out: false,
        run: strangers::unknown_accounts,
    },
    Attack {
        name: "unanswered_http",
        about: "2,000 connections present tokens of accounts of which a resolver says nothing over HTTP",
        stage: Stage::HttpResolver,
        shuts_out: false,
        run: strangers::unanswered_accounts,
    },
    Attack {
        name: "unanswered_system",
        about: "the same, with a resolver in the system account",
        stage: Stage::SystemResolver,
        shuts_out: false,
        run: strangers::unanswered_accounts,
    },
    Attack {
        name: "unanswered_callout",
        about: "2,000 connections of users of whom the service that is asked says nothing",
        stage: Stage::Callout,
        shuts_out: false,
        run: strangers::unanswered_users,
    },
    Attack {
        name: "callout_storm",
        about: "four threads are let in by the service that is asked, and leave, as fast as they can",
        stage: Stage::Callout,
        shuts_out: false,
        run: strangers::asked_about,
    },
    Attack {
        name: "routes_silent",
        about: "2,000 connections where other servers connect, which say nothing",
        stage: Stage::Cluster,
        shuts_out: false,
        run: peers::silent,
    },
    Attack {
        name: "routes_interest",
        about: "a server of the cluster is interested in 500,000 subjects, and leaves at once",
        stage: Stage::Cluster,
        shuts_out: false,
        run: peers::interest,
    },
    Attack {
        name: "routes_accounts",
        about: "a server of the cluster is interested in something in 500,000 accounts that there are not",
        stage: Stage::Cluster,
        shuts_out: false,
        run: peers::accounts,
    },
    Attack {
        name: "routes_astray",
        about: "a server of the cluster sends 500,000 messages for accounts that there are not",
        stage: Stage::Cluster,
        shuts_out: false,
        run: peers::astray,
    },
    Attack {
        name: "routes_halves",
        about: "100 servers of the cluster announce a message of 60 MB each, and send one byte of it",
        stage: Stage::Cluster,
        shuts_out: false,
        run: peers::halves,
    },
    Attack {
        name: "leafs_silent",
        about: "2,000 connections where leaf nodes connect, which say nothing",
        stage: Stage::Leafs,
        shuts_out: false,
        run: leafs::silent,
    },
    Attack {
        name: "leafs_interest",
        about: "a leaf node is interested in 500,000 subjects, and leaves at once",
        stage: Stage::Leafs,
        shuts_out: false,
        run: leafs::interest,
    },
    Attack {
        name: "leafs_forged",
        about: "a leaf node sends 500,000 messages on subjects of others, with replies of others",
        stage: Stage::Leafs,
        shuts_out: false,
        run: leafs::forged,
    },
    Attack {
        name: "leafs_endless",
        about: "100 leaf nodes send lines of 60 MB each that do not end",
        stage: Stage::Leafs,
        shuts_out: false,
        run: leafs::endless,
    },
    Attack {
        name: "leafs_halves",
        about: "100 leaf nodes announce a message of the largest size each, and send one byte of it",
        stage: Stage::Leafs,
        shuts_out: false,
        run: leafs::halves,
    },
    Attack {
        name: "leafs_strangers",
        about: "four threads connect as leaf nodes with a wrong password, as fast as they can",
        stage: Stage::Leafs,
        shuts_out: false,
        run: leafs::strangers,
    },
    Attack {
        name: "gateways_interest",
        about: "another cluster wants 500,000 subjects and 100,000 queue groups, and leaves at once",
        stage: Stage::Gateways,
        shuts_out: false,
        run: gateways::interest,
    },
    Attack {
        name: "gateways_refusals",
        about: "another cluster of old refuses 500,000 subjects, and 500,000 accounts",
        stage: Stage::Gateways,
        shuts_out: false,
        run: gateways::refusals,
    },
    Attack {
        name: "gateways_forged",
        about: "another cluster sends 500,000 messages with made up ways back, or for accounts that there are not",
        stage: Stage::Gateways,
        shuts_out: false,
        run: gateways::forged,
    },
    Attack {
        name: "gateways_gossip",
        about: "another cluster tells of 20,000 further ones",
        stage: Stage::Gateways,
        shuts_out: false,
        run: gateways::gossip,
    },
];
