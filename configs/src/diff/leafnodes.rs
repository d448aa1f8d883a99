//! Leaf nodes: where they connect is fixed, and whether they can; all else can change, and which hubs there are.

use super::{Announced, Shown, Table, section, show_write_timeout};
use crate::{LeafListener, LeafNodes, LeafRemote, ListenerSettings};
use std::time::Duration;

/// In the log it is one thing that has changed.
const CHANGED: Option<Announced> = Some(Announced::Named("leafnodes"));

pub(super) fn compare(table: &mut Table, (old, new): (&LeafNodes, &LeafNodes)) {
    let LeafNodes {
        listener,
        remotes,
        reconnect,
        dial_timeout,
        isolates,
        write_deadline,
        write_timeout,
    } = old;
    compare_listeners(table, (listener.as_ref(), new.listener.as_ref()));
    let time = |time: &Duration| Shown::duration(*time);
    table.row("leafnodes.reconnect", (reconnect, &new.reconnect), time, CHANGED);
    table.row(
        "leafnodes.dial_timeout",
        (dial_timeout, &new.dial_timeout),
        time,
        CHANGED,
    );
    table.row(
        "leafnodes.isolate_leafnode_interest",
        (isolates, &new.isolates),
        |on| Shown::Boolean(*on),
        CHANGED,
    );
    table.row(
        "leafnodes.write_deadline",
        (write_deadline, &new.write_deadline),
        |deadline| deadline.map_or(Shown::Nothing, Shown::duration),
        CHANGED,
    );
    table.row(
        "leafnodes.write_timeout",
        (write_timeout, &new.write_timeout),
        show_write_timeout,
        CHANGED,
    );
    table.row(
        "leafnodes.remotes",
        (remotes, &new.remotes),
        |remotes: &Vec<LeafRemote>| {
            let urls = remotes.iter().flat_map(|remote| &remote.urls);
            Shown::List(urls.map(ToString::to_string).collect())
        },
        Some(Announced::Named("leafnode remotes")),
    );
}

fn compare_listeners(table: &mut Table, (old, new): (Option<&LeafListener>, Option<&LeafListener>)) {
    table.fixed(
        "leafnodes listener",
        (&old.is_some(), &new.is_some()),
        |is_there| section(&is_there.then_some(())),
    );
    let (Some(old), Some(new)) = (old, new) else {
        return;
    };
    let LeafListener {
        settings,
        account,
        advertises,
        compression,
        min_version,
    } = old;
    let ListenerSettings {
        listen,
        advertise,
        tls,
        credentials,
        callout: _,
        auth_timeout,
        requires_proxy: _,
        proxy_protocol: _,
    } = settings;
    let new_listen = &new.settings.listen;
    table.fixed("leafnodes host", (&listen.host, &new_listen.host), |host| {
        Shown::Text(host.clone())
    });
    table.fixed("leafnodes port", (&listen.port, &new_listen.port), |port| {
        Shown::number(port.to_bind().into())
    });
    table.row(
        "leafnodes.advertise",
        (advertise, &new.settings.advertise),
        |address| Shown::optional(address.as_ref()),
        CHANGED,
    );
    table.row(
        "leafnodes.authorization",
        (credentials, &new.settings.credentials),
        |_| Shown::Nothing,
        CHANGED,
    );
    table.row(
        "leafnodes.authorization.account",
        (account, &new.account),
        |account| Shown::Text(account.clone()),
        CHANGED,
    );
    table.row(
        "leafnodes.authorization.timeout",
        (auth_timeout, &new.settings.auth_timeout),
        |time| Shown::duration(*time),
        CHANGED,
    );
    table.row("leafnodes.tls", (tls, &new.settings.tls), section, CHANGED);
    table.row(
        "leafnodes.no_advertise",
        (&!advertises, &!new.advertises),
        |on| Shown::Boolean(*on),
        CHANGED,
    );
    table.row(
        "leafnodes.compression",
        (compression, &new.compression),
        |mode| Shown::Text(mode.text().to_owned()),
        CHANGED,
    );
    table.row(
        "leafnodes.min_version",
        (min_version, &new.min_version),
        |version| Shown::optional(version.as_ref()),
        CHANGED,
    );
}
