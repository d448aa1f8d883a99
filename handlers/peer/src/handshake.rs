//! Two servers tell each other who they are.

use crate::authentication::{self, Checking, Verdict};
use crate::gateway::reply_hash;
use crate::session::{RouteSession, Stage};
use bytes::Bytes;
use vagus_actors::cluster::{
    Agreement, Candidate, ClusterName, Identity, JoinedRoute, NewRoute, NoRoute, Places, RouteAddress, Seat,
    ServerHeardOf, Told,
};
use vagus_actors::connection::Turn;
use vagus_actors::gateways::RouteEnd;
use vagus_protocol::error::CloseReason;
use vagus_protocol::quote::Quoted;
use vagus_protocol::route::{GossipMode, RouteConnect, RouteInfo};
use vagus_routing::ToldOfLeafNodes;

/// The level of the protocol from which on servers trace messages; this one is of that level.
pub const TRACING_PROTO: i64 = 3;

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
        let wanted = authentication::Wanted {
            gate: &self.settings.gate,
            user: &self.settings.login.0,
            tls: self.settings.tls.as_deref(),
        };
        match authentication::judge(wanted, &connect, self.evidence.as_deref()) {
            Verdict::Admitted => self.admitted(&connect, turn),
            verdict => self.judged(verdict, connect, turn),
        }
    }

    /// It has been decided whether a server may connect; or not yet.
    pub(crate) fn judged(&mut self, verdict: Verdict, connect: RouteConnect, turn: &mut impl Turn) {
        match verdict {
            Verdict::Admitted => self.admitted(&connect, turn),
            Verdict::Refused => {
                log::error!("{} - authentication error", self.party);
                self.ending.unauthorized(turn);
            }
            Verdict::Verify(task) => self.login = Some(Checking::new(task, connect)),
        }
    }

    fn admitted(&mut self, connect: &RouteConnect, turn: &mut impl Turn) {
        let theirs = ClusterName {
            text: connect.cluster.clone(),
            is_dynamic: connect.cluster_dynamic,
        };
        let cluster = &self.settings.cluster;
        if cluster.agree(&theirs, &connect.name) == Agreement::Conflict {
            let text = format!(
                "Rejecting connection, cluster name {} does not match {}",
                Quoted(theirs.text.as_bytes()),
                Quoted(cluster.name().text.as_bytes())
            );
            return self.refuse(&text, CloseReason::ClusterNameConflict, turn);
        }
        self.limits.max_line = self.settings.max_line;
        self.stage = Stage::Introducing;
    }

    /// INFO.
    pub(crate) fn info(&mut self, json: &[u8], turn: &mut impl Turn) {
        let Ok(info) = RouteInfo::read(json) else {
            return self.broken("an INFO that cannot be read", turn);
        };
        match &self.stage {
            Stage::Connecting(_) => self.broken("INFO before CONNECT", turn),
            Stage::Introducing => {
                if self.agree_on_compression(&info, turn) {
                    self.introduce(info, turn);
                }
            }
            Stage::Joined(_) if !info.route_acc_add_reqid.is_empty() => self.pinned_elsewhere(info, turn),
            Stage::Joined(route) if !info.gateway.is_empty() => match &self.settings.own_cluster {
                Some(own_cluster) => own_cluster.clusters.hear_of(&info.gateway, &info.gateway_urls),
                None => log::error!(
                    "{} - Received information about gateway {} from {}, but gateway is not configured",
                    self.party,
                    Quoted(info.gateway.as_bytes()),
                    route.server_id()
                ),
            },
            Stage::Joined(route) if route.server_id() == info.server_id => {
                // One that is about to stop wants no new clients.
                route.relocate(match info.ldm {
                    true => Places::default(),
                    false => places_of(&info),
                });
                if !info.ldm {
                    self.imports = info.import;
                    if std::mem::replace(&mut self.exports, info.export.clone()) != info.export {
                        // It may not have taken interest that it takes now.
                        turn.watch_interest();
                    }
                }
            }
            Stage::Joined(route) => self.hear_of(route, &info),
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
        if !is_itself
            && !theirs.text.is_empty()
            && cluster.agree(&theirs, &info.server_id) == Agreement::Conflict
        {
            return self.end(CloseReason::ClusterNameConflict, turn);
        }
        if info.ip.is_empty() {
            let host = match party.peer.ip() {
                std::net::IpAddr::V4(ip) => ip.to_string(),
                std::net::IpAddr::V6(ip) => format!("[{ip}]"),
            };
            info.ip = format!("nats-route://{host}:{}/", info.port);
        }
        if let Some(account) = self.errand.as_ref().and_then(|errand| errand.account.as_deref()) {
            // That is what others are told of.
            account.clone_into(&mut info.route_account);
        }
        let account = Some(&*info.route_account).filter(|account| !account.is_empty());
        if let Some(account) = account
            && !turn.enter(account.as_bytes())
        {
            let text = format!(
                "Unable to lookup account {}: account missing",
                Quoted(account.as_bytes())
            );
            return self.refuse(&text, CloseReason::MissingAccount, turn);
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
            places: places_of(&info),
            account: account.map(Into::into),
            pool_size: info.route_pool_size,
            pool_index: info.route_pool_idx,
        };
        let route = NewRoute {
            kind: party.kind,
            address: self.errand.as_ref().map(|errand| errand.address.clone()),
            voice,
            told: party.kind.is_told(theirs).then(|| told(&mut info)),
        };
        match cluster.join(&candidate, route) {
            Ok(route) => self.joined(route, info, turn),
            Err(NoRoute::SameName) => {
                log::error!(
                    "{party} - Remote server has a duplicate name: {:?}",
                    info.server_name
                );
                self.end(CloseReason::DuplicateServerName, turn);
            }
            Err(no_route @ (NoRoute::Itself | NoRoute::Duplicate)) => {
                log::debug!(
                    "{party} - Detected duplicate remote route {:?}: {no_route}",
                    info.server_id
                );
                self.wait_for_the_end(&info.server_id, turn);
                self.end(CloseReason::DuplicateRoute, turn);
            }
            Err(no_route) => {
                if matches!(no_route, NoRoute::NoneOfItsOwn(_)) {
                    self.wait_for_the_end(&info.server_id, turn);
                }
                self.refuse(&no_route.to_string(), CloseReason::ProtocolViolation, turn);
            }
        }
    }

    /// Who has dialled the server is not to do so again before a route to it has ended.
    fn wait_for_the_end(&self, server_id: &str, turn: &mut impl Turn) {
        if let Some(outcome) = turn.take_outcome() {
            self.settings.cluster.wait_for_the_end(server_id, outcome);
        }
    }

    /// The connection is a route from now on.
    fn joined(&mut self, route: JoinedRoute, info: RouteInfo, turn: &mut impl Turn) {
        let (party, id) = (self.party, &info.server_id);
        match route.account() {
            None => log::debug!("{party} - Registering remote route {id:?}"),
            Some(account) => log::debug!("{party} - Registering remote route {id:?} for account {account:?}"),
        }
        if self.has_yet_to_introduce {
            turn.reply(&self.introduction(party.kind.gossip, route.seat()));
            self.has_yet_to_introduce = false;
        }
        if route.account().is_some() {
            self.limits.one_account = true;
            turn.carry_one_account();
        }
        if party.kind.is_dialled && route.wants_more() {
            // Its answer shows that this server was let in.
            turn.reply(b"PING\r\n");
        }
        self.join_other_clusters(&route, &info, turn);
        self.limits.origin_in_unsubscribe = info.lnocu || info.ln;
        turn.tell_of_leaf_nodes(told_of_leaf_nodes(&info));
        (self.imports, self.exports) = (info.import, info.export);
        self.name = info.server_name;
        self.version = info.version;
        self.stage = Stage::Joined(route);
        turn.establish();
        turn.accept_headers(self.settings.info.headers && info.headers);
        turn.set_name(&self.name);
        if info.proto >= TRACING_PROTO {
            turn.pass_traces_on();
        }
        turn.watch_interest();
    }

    /// Answers that are waited for at the member can be led there, and it is told of other clusters.
    fn join_other_clusters(&mut self, route: &JoinedRoute, info: &RouteInfo, turn: &mut impl Turn) {
        let (Some(own_cluster), Some(voice)) = (&self.settings.own_cluster, turn.voice()) else {
            return;
        };
        let end = RouteEnd {
            server: reply_hash(&info.server_id),
            gateway_url: info.gateway_url.clone(),
            voice,
            seat: route.seat().clone(),
            pooling: route.pooling().clone(),
        };
        let (end, told) = own_cluster.clusters.join_route(self.party.id, end);
        self.route_end = Some(end);
        if !told.is_empty() && !matches!(route.seat(), Seat::Pinned(_)) {
            turn.reply(&told);
        }
    }

    /// PONG.
    pub(crate) fn pong(&mut self, turn: &mut impl Turn) {
        self.heartbeat.answered(turn.now());
        self.adjust_compression();
        if let (Stage::Joined(route), Some(errand)) = (&mut self.stage, &self.errand) {
            route.have_more(errand);
        }
    }

    /// INFO of a third server.
    fn hear_of(&self, route: &JoinedRoute, info: &RouteInfo) {
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
            account: (!info.route_account.is_empty()).then(|| info.route_account.as_str().into()),
            is_told_without_pool: *route.seat() == Seat::Only,
        });
    }
}

/// What a server is told of what leaf nodes want. One that cannot be told that those of a cluster want something no more, or that
/// takes what several want for the same, as before nats-server 2.10.23, is told of it as of this server's own.
fn told_of_leaf_nodes(info: &RouteInfo) -> ToldOfLeafNodes {
    match (info.ln, info.lnoc && info.lnocu) {
        (true, _) => ToldOfLeafNodes::Apart,
        (false, true) => ToldOfLeafNodes::ByCluster,
        (false, false) => ToldOfLeafNodes::AsOwn,
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

/// Where others connect to a server, by its own word.
fn places_of(info: &RouteInfo) -> Places {
    Places {
        clients: info.connect_urls.clone(),
        websocket: info.ws_connect_urls.clone(),
        leaf_nodes: info.leafnode_urls.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{RouteInfo, ToldOfLeafNodes, host_and_port, told_of_leaf_nodes};

    #[test]
    fn what_leaf_nodes_want_is_told_as_servers_say_that_they_understand() {
        for (json, told) in [
            ("{}", ToldOfLeafNodes::AsOwn),
            // As nats-server 2.9 says.
            (r#"{"lnoc":true}"#, ToldOfLeafNodes::AsOwn),
            (r#"{"lnocu":true}"#, ToldOfLeafNodes::AsOwn),
            // 2.14.
            (r#"{"lnoc":true,"lnocu":true}"#, ToldOfLeafNodes::ByCluster),
            // 2.15.
            (r#"{"lnoc":true,"lnocu":true,"ln":true}"#, ToldOfLeafNodes::Apart),
            (r#"{"ln":true}"#, ToldOfLeafNodes::Apart),
        ] {
            let info = RouteInfo::read(json.as_bytes()).unwrap();
            assert_eq!(told_of_leaf_nodes(&info), told, "{json}");
        }
    }

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
