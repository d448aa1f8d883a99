//! Two servers of different clusters tell each other who they are.
//!
//! Who is connected to introduces itself first. Who has connected then says who it is, and introduces itself as well.

use super::session::{GatewaySession, Stage};
use crate::TRACING_PROTO;
use crate::authentication::{self, Checking, Verdict};
use vagus_actors::connection::Turn;
use vagus_actors::gateways::InboundCandidate;
use vagus_protocol::error::CloseReason;
use vagus_protocol::gateway::{ALL_INTEREST_ENDS, ALL_INTEREST_FOLLOWS, GOSSIP, GatewayInfo};
use vagus_protocol::quote::Quoted;
use vagus_protocol::route::RouteConnect;

impl GatewaySession {
    /// CONNECT.
    pub(super) fn connect(&mut self, json: &[u8], turn: &mut impl Turn) {
        if !matches!(self.stage, Stage::Connecting(_)) {
            // As in nats-server, who has said it may say it again.
            return;
        }
        let Ok(connect) = RouteConnect::read(json) else {
            return self.broken("a CONNECT that cannot be read", turn);
        };
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
    pub(super) fn judged(&mut self, verdict: Verdict, connect: RouteConnect, turn: &mut impl Turn) {
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
        if connect.gateway.is_empty() {
            return self.refuse(
                "attempted to connect to gateway port",
                CloseReason::WrongPort,
                turn,
            );
        }
        let clusters = &self.settings.own.clusters;
        if !clusters.admits(&connect.gateway) {
            let own_cluster = clusters.name();
            let gateway = Quoted(connect.gateway.as_bytes());
            log::error!("{} - Rejecting connection from gateway {gateway}", self.party);
            let own_cluster = Quoted(own_cluster.as_bytes());
            self.ending
                .tell(&format!("Connection to gateway {own_cluster} rejected"));
            return self.end(CloseReason::WrongGateway, turn);
        }
        self.stage = Stage::Introducing(turn.now() + self.settings.auth_timeout);
    }

    /// INFO.
    pub(super) fn info(&mut self, json: &[u8], turn: &mut impl Turn) {
        let Ok(info) = GatewayInfo::read(json) else {
            return self.broken("an INFO that cannot be read", turn);
        };
        match &self.stage {
            Stage::Connecting(_) => self.broken("INFO before CONNECT", turn),
            Stage::Introducing(_) if self.party.errand.is_some() => self.introduced_there(info, turn),
            Stage::Introducing(_) => self.introduced_here(info, turn),
            Stage::Outbound { .. } => self.hear(&info, turn),
            // Nothing more is asked of it.
            Stage::Inbound { .. } => {}
        }
    }

    fn has_our_name(&self, info: &GatewayInfo) -> bool {
        let own = self.settings.own.clusters.info();
        let cluster = self.settings.cluster.as_ref();
        info.server_name == own.server_name
            || cluster.is_some_and(|cluster| cluster.has_member_named(&info.server_name))
    }

    fn note(&mut self, info: &GatewayInfo, turn: &mut impl Turn) {
        self.cluster.clone_from(&info.gateway);
        self.server_id.clone_from(&info.server_id);
        self.name.clone_from(&info.server_name);
        self.version.clone_from(&info.version);
        turn.set_name(&info.server_name);
        turn.accept_headers(self.settings.headers && info.headers);
        if info.proto >= TRACING_PROTO {
            turn.pass_traces_on();
        }
    }

    fn refuse_name(&mut self, info: &GatewayInfo, turn: &mut impl Turn) {
        let name = Quoted(info.server_name.as_bytes());
        log::error!("{} - Remote server has a duplicate name: {name}", self.party);
        self.end(CloseReason::DuplicateServerName, turn);
    }

    /// The server that was connected to says what it is.
    fn introduced_there(&mut self, info: GatewayInfo, turn: &mut impl Turn) {
        let Some(errand) = self.party.errand.clone() else {
            return;
        };
        let name = errand.remote.name();
        let clusters = self.settings.own.clusters.clone();
        if info.gateway.is_empty() {
            let text = format!("Attempt to connect to gateway {name:?} using wrong port");
            return self.refuse(&text, CloseReason::WrongPort, turn);
        }
        if info.gateway != name {
            let (theirs, own) = (Quoted(info.gateway.as_bytes()), clusters.name());
            log::error!(
                "{} - Failing connection to gateway {name:?}, remote gateway name is {theirs}",
                self.party
            );
            self.ending.tell(&format!(
                "Connection from {own:?} rejected, wanted to connect to {name:?}, this is {theirs}"
            ));
            return self.end(CloseReason::WrongGateway, turn);
        }
        if self.has_our_name(&info) {
            return self.refuse_name(&info, turn);
        }
        let Some(voice) = turn.voice() else {
            return self.broken("a connection that nobody can speak on", turn);
        };
        let Some(joined) = clusters.join_outbound(name, &info.gateway_urls, self.party.id, voice) else {
            return self.end(CloseReason::WrongGateway, turn);
        };
        let mut lines = Vec::new();
        self.settings
            .connect(&errand.remote, self.party.peer)
            .append(&mut lines);
        log::debug!("{} - Gateway connect protocol sent to {name:?}", self.party);
        clusters.info().append(&mut lines);
        turn.reply(&lines);
        self.note(&info, turn);
        self.wanted.set_hopes(!info.gateway_iom);
        self.stage = Stage::Outbound { _joined: joined };
        log::info!(
            "{} - Outbound gateway connection to {name:?} ({}) registered",
            self.party,
            info.server_id
        );
        turn.establish();
        self.begin_heartbeat(turn.now());
        // Of each account that there is: what leads back in it goes here.
        turn.watch_interest();
    }

    /// The server that has connected says what it is.
    fn introduced_here(&mut self, info: GatewayInfo, turn: &mut impl Turn) {
        if info.gateway.is_empty() {
            return self.broken("an INFO of no gateway", turn);
        }
        let clusters = self.settings.own.clusters.clone();
        if !clusters.admits(&info.gateway) || info.gateway == clusters.name() {
            return self.end(CloseReason::WrongGateway, turn);
        }
        if self.has_our_name(&info) {
            return self.refuse_name(&info, turn);
        }
        let Some(voice) = turn.voice() else {
            return self.broken("a connection that nobody can speak on", turn);
        };
        self.note(&info, turn);
        let candidate = InboundCandidate {
            cluster: info.gateway,
            urls: info.gateway_urls,
            connection: self.party.id,
        };
        let (joined, lines) = clusters.join_inbound(&candidate, voice);
        self.stage = Stage::Inbound { _joined: joined };
        log::info!(
            "{} - Inbound gateway connection from {:?} ({}) registered",
            self.party,
            candidate.cluster,
            self.server_id
        );
        if !lines.is_empty() {
            turn.reply(&lines);
        }
        self.begin_heartbeat(turn.now());
        turn.watch_interest();
    }

    /// The server that was connected to says more.
    fn hear(&mut self, info: &GatewayInfo, turn: &mut impl Turn) {
        let clusters = self.settings.own.clusters.clone();
        let account = &info.gateway_cmd_payload;
        let is_about_account = matches!(info.gateway_cmd, ALL_INTEREST_FOLLOWS | ALL_INTEREST_ENDS);
        match info.gateway_cmd {
            _ if is_about_account && account.is_empty() => {
                let command = if info.gateway_cmd == ALL_INTEREST_ENDS {
                    "complete"
                } else {
                    "start"
                };
                let text = format!("Account absent from receive-all-subscriptions-{command} command");
                self.refuse(&text, CloseReason::ProtocolViolation, turn);
            }
            ALL_INTEREST_FOLLOWS => {
                let taken = self.wanted.all_follows(account);
                self.take(taken, turn);
            }
            ALL_INTEREST_ENDS => {
                let taken = self.wanted.all_is_told(account, turn);
                self.take(taken, turn);
            }
            GOSSIP => clusters.hear_of(&info.gateway, &info.gateway_urls),
            0 if info.gateway == self.cluster => clusters.learn(&info.gateway, &info.gateway_urls),
            command => log::warn!(
                "{} - Received unknown command {command} from gateway {:?}",
                self.party,
                self.cluster
            ),
        }
    }
}
