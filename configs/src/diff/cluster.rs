//! The cluster: where other servers connect is fixed, and whether there is one; all else can change.

use super::{Announced, Shown, Table, section, show_write_timeout};
use crate::{Cluster, RouteUrl};
use std::time::Duration;
use vagus_auth::credentials::Credentials;

/// In the log it is one thing that has changed.
const CHANGED: Option<Announced> = Some(Announced::Named("cluster"));

pub(super) fn compare(table: &mut Table, (old, new): (Option<&Cluster>, Option<&Cluster>)) {
    table.fixed("cluster", (&old.is_some(), &new.is_some()), |is_there| {
        section(&is_there.then_some(()))
    });
    // Where there is none before or after, what it was or is to be like is nothing more to say.
    let (Some(old), Some(new)) = (old, new) else {
        return;
    };
    let Cluster {
        name,
        listener,
        routes,
        advertises,
        connect_retries,
        connect_backoff,
        ping_interval,
        ping_max,
        pool_size,
        accounts,
        write_deadline,
        write_timeout,
        compression,
        permissions,
    } = old;
    table.row(
        "cluster.name",
        (name, &new.name),
        |name| Shown::optional(name.as_ref()),
        CHANGED,
    );
    let (listen, new_listen) = (&listener.listen, &new.listener.listen);
    table.fixed("cluster host", (&listen.host, &new_listen.host), |host| {
        Shown::Text(host.clone())
    });
    table.fixed("cluster port", (&listen.port, &new_listen.port), |port| {
        Shown::number(port.to_bind().into())
    });
    let is = |on: &bool| Shown::Boolean(*on);
    let time = |time: &Duration| Shown::duration(*time);
    table.row(
        "cluster.advertise",
        (&listener.advertise, &new.listener.advertise),
        |address| Shown::optional(address.as_ref()),
        CHANGED,
    );
    table.row(
        "cluster.authorization",
        (&listener.credentials, &new.listener.credentials),
        |credentials| match credentials {
            Credentials::User { name, .. } => Shown::Text(name.clone()),
            _ => Shown::Nothing,
        },
        CHANGED,
    );
    table.row(
        "cluster.authorization.timeout",
        (&listener.auth_timeout, &new.listener.auth_timeout),
        time,
        CHANGED,
    );
    table.row(
        "cluster.tls",
        (&listener.tls, &new.listener.tls),
        section,
        CHANGED,
    );
    table.row(
        "cluster.no_advertise",
        (&!advertises, &!new.advertises),
        is,
        CHANGED,
    );
    table.row(
        "cluster.connect_retries",
        (connect_retries, &new.connect_retries),
        |count| Shown::Number(*count),
        CHANGED,
    );
    table.row(
        "cluster.connect_backoff",
        (connect_backoff, &new.connect_backoff),
        is,
        CHANGED,
    );
    table.row(
        "cluster.ping_interval",
        (ping_interval, &new.ping_interval),
        time,
        CHANGED,
    );
    table.row(
        "cluster.ping_max",
        (ping_max, &new.ping_max),
        |most| Shown::optional(most.as_ref()),
        CHANGED,
    );
    table.row(
        "cluster.write_deadline",
        (write_deadline, &new.write_deadline),
        |deadline| deadline.map_or(Shown::Nothing, Shown::duration),
        CHANGED,
    );
    table.row(
        "cluster.write_timeout",
        (write_timeout, &new.write_timeout),
        show_write_timeout,
        CHANGED,
    );
    table.row(
        "cluster.pool_size",
        (pool_size, &new.pool_size),
        |size| Shown::number(*size),
        CHANGED,
    );
    table.row(
        "cluster.accounts",
        (accounts, &new.accounts),
        |accounts| Shown::List(accounts.clone()),
        CHANGED,
    );
    table.row(
        "cluster.compression",
        (compression, &new.compression),
        |mode| Shown::Text(mode.text().to_owned()),
        CHANGED,
    );
    table.row(
        "cluster.permissions",
        (permissions, &new.permissions),
        section,
        CHANGED,
    );
    table.row(
        "cluster.routes",
        (routes, &new.routes),
        |routes: &Vec<RouteUrl>| Shown::List(routes.iter().map(|route| format!("{route:?}")).collect()),
        Some(Announced::Named("cluster routes")),
    );
}
