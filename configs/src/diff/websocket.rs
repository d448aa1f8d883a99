//! WebSocket: where clients connect is fixed, and whether they can; all else can change.

use super::{Announced, Shown, Table, section};
use crate::{WebSocket, WebSocketLogin};
use std::time::Duration;
use vagus_websocket::upgrade::{CookieNames, Origins, UpgradeRules};

/// In the log it is one thing that has changed.
const CHANGED: Option<Announced> = Some(Announced::Named("websocket"));

pub(super) fn compare(table: &mut Table, (old, new): (Option<&WebSocket>, Option<&WebSocket>)) {
    table.fixed("websocket", (&old.is_some(), &new.is_some()), |is_there| {
        section(&is_there.then_some(()))
    });
    // Where there is none before or after, what it was or is to be like is nothing more to say.
    let (Some(old), Some(new)) = (old, new) else {
        return;
    };
    let WebSocket {
        listen,
        advertise,
        tls,
        no_tls,
        upgrade,
        allowed_origins,
        handshake_timeout,
        ping_interval,
        login,
        auth_timeout,
    } = old;
    table.fixed("websocket host", (&listen.host, &new.listen.host), |host| {
        Shown::Text(host.clone())
    });
    table.fixed("websocket port", (&listen.port, &new.listen.port), |port| {
        Shown::number(port.to_bind().into())
    });
    // Some would be spoken to in clear, and others not.
    table.fixed(
        "websocket tls",
        (&tls.is_some(), &new.tls.is_some()),
        |is_there| section(&is_there.then_some(())),
    );
    let is = |on: &bool| Shown::Boolean(*on);
    let time = |time: &Option<Duration>| time.map_or(Shown::Nothing, Shown::duration);
    table.row("websocket.tls", (tls, &new.tls), section, CHANGED);
    table.row("websocket.no_tls", (no_tls, &new.no_tls), is, CHANGED);
    table.row(
        "websocket.advertise",
        (advertise, &new.advertise),
        |address| Shown::optional(address.as_ref()),
        CHANGED,
    );
    table.row(
        "websocket.allowed_origins",
        (allowed_origins, &new.allowed_origins),
        |origins| Shown::List(origins.clone()),
        CHANGED,
    );
    compare_upgrade(table, upgrade, &new.upgrade);
    table.row(
        "websocket.handshake_timeout",
        (handshake_timeout, &new.handshake_timeout),
        time,
        CHANGED,
    );
    table.row(
        "websocket.ping_interval",
        (ping_interval, &new.ping_interval),
        time,
        CHANGED,
    );
    table.row(
        "websocket.authorization",
        (login, &new.login),
        |login| match login {
            WebSocketLogin::AsOthers => Shown::Nothing,
            WebSocketLogin::Token(_) => Shown::secret(true),
            WebSocketLogin::User { name, .. } | WebSocketLogin::NoAuthUser(name) => Shown::Text(name.clone()),
        },
        CHANGED,
    );
    table.row(
        "websocket.authorization.timeout",
        (auth_timeout, &new.auth_timeout),
        time,
        CHANGED,
    );
}

fn compare_upgrade(table: &mut Table, old: &UpgradeRules, new: &UpgradeRules) {
    let UpgradeRules {
        origins:
            Origins {
                same,
                // Compared as they were written.
                allowed: _,
            },
        compresses,
        headers,
        cookies,
        // Fixed, see above.
        is_secure: _,
    } = old;
    let is = |on: &bool| Shown::Boolean(*on);
    table.row("websocket.same_origin", (same, &new.origins.same), is, CHANGED);
    table.row(
        "websocket.compression",
        (compresses, &new.compresses),
        is,
        CHANGED,
    );
    table.row(
        "websocket.headers",
        (headers, &new.headers),
        |headers| {
            let lines = headers.iter().map(|(name, value)| format!("{name}: {value}"));
            Shown::List(lines.collect())
        },
        CHANGED,
    );
    let CookieNames {
        jwt,
        user,
        password,
        token,
    } = cookies;
    for (key, names) in [
        ("websocket.jwt_cookie", (jwt, &new.cookies.jwt)),
        ("websocket.user_cookie", (user, &new.cookies.user)),
        ("websocket.pass_cookie", (password, &new.cookies.password)),
        ("websocket.token_cookie", (token, &new.cookies.token)),
    ] {
        table.row(key, names, |name| Shown::optional(name.as_ref()), CHANGED);
    }
}
