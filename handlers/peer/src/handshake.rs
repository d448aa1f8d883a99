//! Two servers tell each other who they are.

use crate::authentication::{self, Verdict};
use crate::session::{RouteSession, Stage};
use bytes::Bytes;
use vagus_actors::cluster::{
    Agreement, Candidate, ClusterName, Identity, NewRoute, RouteAddress, ServerHeardOf, Told,
    Verdict as Membership,
};
use vagus_actors::connection::Turn;
use vagus_protocol::error::{CloseReason, Complaint};
use vagus_protocol::quote::Quoted;
use vagus_protocol::route::{GossipMode, RouteConnect, RouteInfo};

impl RouteSession {
    /// CONNECT.
    pub(crate) fn connect(&mut self, json: &[u8], turn: &mut impl Turn) {
        if !matches!(self.stage, Stage::Connecting(_)) {
            // As in nats-server, who has said it may say it again.
            return;
        }
        let Ok(connect) = RouteConnect::read(json) else {
            return self.broken("a CONNECT that cannot be read", turn);
        };
        if !connect.lang.is_empty() {
            return self.refuse("attempted to connect to route port", CloseReason::WrongPort, turn);
        }
        if !connect.gateway.is_empty() {
            let text = format!(
                "Rejecting connection from gateway {} on the Route port",
                Quoted(connect.gateway.as_bytes())
            );
            return self.refuse(&text, CloseReason::WrongGateway, turn);
        }
        match authentication::judge(&self.settings, &connect) {
            Verdict::Admitted => self.admitted(&connect, turn),
            verdict => self.judged(verdict, connect, turn),
        }
    }

    /// It has been decided whether a server may connect; or not yet.
    pub(crate) fn judged(&mut self, verdict: Verdict, connect: RouteConnect, turn: &mut impl Turn) {
        match verdict {
            Verdict::Admitted => self.admitted(&connect, turn),
            Verdict::Refused => {
                self.say_last(&Complaint::AuthorizationViolation);
                log::error!("{} - authentication error", self.party);
                self.end(CloseReason::AuthenticationFailure, turn);
            }
            Verdict::Verify(task) => self.login = Some((Some(task), Box::new(connect))),
        }
    }

    fn admitted(&mut self, connect: &RouteConnect, turn: &mut impl Turn) {
        let theirs = ClusterName {
            text: connect.cluster.clone(),
            is_dynamic: connect.cluster_dynamic,
        };
        let cluster = &self.settings.cluster;
        if cluster.agree(&theirs, self.party.id) == Agreement::Conflict {
            let text = format!(
                "Rejecting connection, cluster name {} does not match {}",
                Quoted(theirs.text.as_bytes()),
                Quoted(cluster.name().text.as_bytes())
            );
            return self.refuse(&text, CloseReason::ClusterNameConflict, turn);
        }
        self.limits.origin_in_unsubscribe = connect.lnocu;
        self.stage = Stage::Introducing;
    }

    /// INFO.
    pub(crate) fn info(&mut self, json: &[u8], turn: &mut impl Turn) {
        let Ok(info) = RouteInfo::read(json) else {
            return self.broken("an INFO that cannot be read", turn);
        };
        match &self.stage {
            Stage::Connecting(_) => self.broken("INFO before CONNECT", turn),
            Stage::Introducing => self.introduce(info, turn),
            Stage::Joined(_) if !info.gateway.is_empty() => {}
            Stage::Joined(route) if route.server_id() == info.server_id => {
                // One that is about to stop wants no new clients.
                route.relocate(if info.ldm { &[] } else { &info.connect_urls });
            }
            Stage::Joined(_) => self.hear_of(&info),
        }
    }

    /// The first INFO: the server becomes a member.
    fn introduce(&mut self, mut info: RouteInfo, turn: &mut impl Turn) {
        let (party, cluster) = (self.party, self.settings.cluster.clone());
        let theirs = ClusterName {
            text: info.cluster.clone(),
            is_dynamic: info.cluster_dynamic,
        };
        let is_itself = info.server_id == self.settings.info.server_id;
        if !is_itself && !theirs.text.is_empty() && cluster.agree(&theirs, party.id) == Agreement::Conflict {
            return self.end(CloseReason::ClusterNameConflict, turn);
        }
        if info.ip.is_empty() {
            let host = match party.peer.ip() {
                std::net::IpAddr::V4(ip) => ip.to_string(),
                std::net::IpAddr::V6(ip) => format!("[{ip}]"),
            };
            info.ip = format!("nats-route://{host}:{}/", info.port);
        }
        let theirs = GossipMode::from_number(info.gossip_mode);
        let Some(voice) = turn.voice() else {
            return self.broken("a route that nobody can speak on", turn);
        };
        let candidate = Candidate {
            server: Identity {
                id: info.server_id.clone(),
                name: info.server_name.clone(),
            },
            connection: party.id,
            is_dialled: party.kind.is_dialled,
            connect_urls: info.connect_urls.clone(),
        };
        let route = NewRoute {
            kind: party.kind,
            voice,
            told: party.kind.is_told(theirs).then(|| told(&mut info)),
        };
        match cluster.join(&candidate, route) {
            Ok(route) => {
                log::debug!("{party} - Registering remote route {:?}", info.server_id);
                self.limits.origin_in_unsubscribe |= info.lnocu;
                self.name = info.server_name;
                self.version = info.version;
                self.stage = Stage::Joined(route);
                turn.accept_headers(self.settings.info.headers && info.headers);
                turn.set_name(&self.name);
                turn.watch_interest();
            }
            Err(Membership::SameName) => {
                log::error!(
                    "{party} - Remote server has a duplicate name: {:?}",
                    info.server_name
                );
                self.end(CloseReason::DuplicateServerName, turn);
            }
            Err(_) => {
                log::debug!("{party} - Detected duplicate remote route {:?}", info.server_id);
                if let Some(outcome) = turn.take_outcome() {
                    cluster.wait_for_the_end(&info.server_id, outcome);
                }
                self.end(CloseReason::DuplicateRoute, turn);
            }
        }
    }

    /// INFO of a third server.
    fn hear_of(&self, info: &RouteInfo) {
        let Some((host, port)) = host_and_port(&info.ip) else {
            log::error!("{} - Error parsing URL from INFO: {:?}", self.party, info.ip);
            return;
        };
        let (user, password) = match info.auth_required {
            true => self.settings.login.clone(),
            false => Default::default(),
        };
        self.settings.cluster.heard_of(ServerHeardOf {
            server_id: info.server_id.clone(),
            address: RouteAddress {
                host: host.to_owned(),
                port,
                user,
                password,
            },
            listens_on: info.host.clone(),
            gossip: GossipMode::from_number(info.gossip_mode),
        });
    }
}

/// What others are told of a server.
fn told(info: &mut RouteInfo) -> Told {
    let mut line = |mode: GossipMode| {
        info.gossip_mode = mode.number();
        let mut line = Vec::new();
        info.append(&mut line);
        Bytes::from(line)
    };
    Told {
        default: line(GossipMode::Default),
        disabled: line(GossipMode::Disabled),
        overridden: line(GossipMode::Override),
    }
}

/// Of `nats-route://host:port/`, where an address of IPv6 has brackets.
fn host_and_port(url: &str) -> Option<(&str, u16)> {
    let (_, rest) = url.split_once("://")?;
    let address = rest.split('/').next()?;
    let address = address.rsplit('@').next()?;
    let (host, port) = address.rsplit_once(':')?;
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    (!host.is_empty()).then_some((host, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::host_and_port;

    #[test]
    fn servers_say_where_they_are() {
        for (url, expected) in [
            ("nats-route://127.0.0.1:6222/", Some(("127.0.0.1", 6222))),
            ("nats-route://[::1]:6222/", Some(("::1", 6222))),
            ("nats://u:p@a.b:1", Some(("a.b", 1))),
            ("nats-route://:6222/", None),
            ("nats-route://a:x/", None),
            ("127.0.0.1:6222", None),
            ("", None),
        ] {
            assert_eq!(host_and_port(url), expected, "{url}");
        }
    }
}
