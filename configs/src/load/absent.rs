//! The keys of nats-server that this version has no feature for. None of them is passed over in silence.

use super::findings::Findings;
use crate::grammar::{Entry, Kind};

/// Such keys of one section.
pub(super) struct Absent {
    /// Those that turn something on: `false` asks for nothing.
    switches: &'static [&'static str],
    others: &'static [&'static str],
}

/// Outside of all maps.
pub(super) const SERVER: Absent = Absent {
    switches: &[],
    others: &["default_js_domain", "mqtt"],
};

/// In `cluster`.
pub(super) const CLUSTER: Absent = Absent {
    switches: &[],
    others: &[],
};

/// In `gateway`, and in one of its `gateways`.
pub(super) const GATEWAY: Absent = Absent {
    switches: &[],
    others: &[],
};

/// In `leafnodes`.
pub(super) const LEAFNODES: Absent = Absent {
    switches: &[],
    others: &[],
};

/// In `authorization` of `leafnodes`, and in one of its users.
pub(super) const LEAFNODE_USERS: Absent = Absent {
    switches: &["proxy_required"],
    others: &[],
};

/// In one of `remotes` of `leafnodes`.
pub(super) const LEAFNODE_REMOTE: Absent = Absent {
    switches: &[],
    others: &[],
};

/// In `jetstream`.
pub(super) const JETSTREAM: Absent = Absent {
    switches: &[],
    others: &["tpm"],
};

/// In `authorization`.
pub(super) const AUTHORIZATION: Absent = Absent {
    switches: &[],
    others: &[],
};

/// Where every key of nats-server is known.
pub(super) const NOTHING: Absent = Absent {
    switches: &[],
    others: &[],
};

/// In one of `users`.
pub(super) const USER: Absent = Absent {
    switches: &[],
    others: &[],
};

/// In `admin`.
pub(super) const ADMIN: Absent = Absent {
    switches: &[],
    others: &[],
};

/// In one of the users or tokens of `admin`.
pub(super) const ADMIN_USER: Absent = Absent {
    switches: &[],
    others: &[],
};

/// Says what is wrong with a key that no section took: it is of `absent`, or unknown. A key that is
/// referred to as a variable is the operator's own.
pub(super) fn refuse(key: &str, entry: &Entry, absent: &Absent, findings: &mut Findings) {
    let is_off = entry.value.kind == Kind::Boolean(false);
    let is_switch = absent.switches.contains(&key);
    if is_switch && is_off {
        return;
    }
    if is_switch || absent.others.contains(&key) {
        findings.problem(
            entry,
            format!("{:?} is not in this version of vagus yet", entry.key),
        );
    } else if !entry.used {
        findings.problem(entry, format!("unknown field {:?}", entry.key));
    }
}
