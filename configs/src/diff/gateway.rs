//! The gateway: what the cluster is called and where others connect is fixed; all else can change, and which clusters there
//! are.

use super::{Announced, Shown, Table, section, show_write_timeout};
use crate::{Gateway, GatewayRemote};
use vagus_auth::credentials::Credentials;

/// In the log it is one thing that has changed.
const CHANGED: Option<Announced> = Some(Announced::Named("gateway"));

pub(super) fn compare(table: &mut Table, (old, new): (Option<&Gateway>, Option<&Gateway>)) {
    table.fixed("gateway", (&old.is_some(), &new.is_some()), |is_there| {
        section(&is_there.then_some(()))
    });
    let (Some(old), Some(new)) = (old, new) else {
        return;
    };
    let Gateway {
        name,
        listener,
        remotes,
        rejects_unknown,
        connect_retries,
        connect_backoff,
        write_deadline,
        write_timeout,
    } = old;
    let (listen, new_listen) = (&listener.listen, &new.listener.listen);
    table.fixed("gateway name", (name, &new.name), |name| {
        Shown::Text(name.clone())
    });
    table.fixed("gateway host", (&listen.host, &new_listen.host), |host| {
        Shown::Text(host.clone())
    });
    table.fixed("gateway port", (&listen.port, &new_listen.port), |port| {
        Shown::number(port.to_bind().into())
    });
    let is = |on: &bool| Shown::Boolean(*on);
    table.row(
        "gateway.advertise",
        (&listener.advertise, &new.listener.advertise),
        |address| Shown::optional(address.as_ref()),
        CHANGED,
    );
    table.row(
        "gateway.authorization",
        (&listener.credentials, &new.listener.credentials),
        |credentials| match credentials {
            Credentials::User { name, .. } => Shown::Text(name.clone()),
            _ => Shown::Nothing,
        },
        CHANGED,
    );
    table.row(
        "gateway.authorization.timeout",
        (&listener.auth_timeout, &new.listener.auth_timeout),
        |time| Shown::duration(*time),
        CHANGED,
    );
    table.row(
        "gateway.tls",
        (&listener.tls, &new.listener.tls),
        section,
        CHANGED,
    );
    table.row(
        "gateway.reject_unknown_cluster",
        (rejects_unknown, &new.rejects_unknown),
        is,
        CHANGED,
    );
    table.row(
        "gateway.connect_retries",
        (connect_retries, &new.connect_retries),
        |retries| Shown::number(usize::try_from(*retries).unwrap_or(usize::MAX)),
        CHANGED,
    );
    table.row(
        "gateway.connect_backoff",
        (connect_backoff, &new.connect_backoff),
        is,
        CHANGED,
    );
    table.row(
        "gateway.write_deadline",
        (write_deadline, &new.write_deadline),
        |deadline| deadline.map_or(Shown::Nothing, Shown::duration),
        CHANGED,
    );
    table.row(
        "gateway.write_timeout",
        (write_timeout, &new.write_timeout),
        show_write_timeout,
        CHANGED,
    );
    table.row(
        "gateway.gateways",
        (remotes, &new.remotes),
        |remotes: &Vec<GatewayRemote>| {
            let shown = |remote: &GatewayRemote| {
                let urls: Vec<String> = remote.urls.iter().map(ToString::to_string).collect();
                format!("{}: {}", remote.name, urls.join(" "))
            };
            Shown::List(remotes.iter().map(shown).collect())
        },
        Some(Announced::Named("gateways")),
    );
}
