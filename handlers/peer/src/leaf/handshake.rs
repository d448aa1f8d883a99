//! A leaf node and its hub tell each other who they are.

use super::HubUrls;
use super::permitting::{Denied, LinkPermissions};
use super::session::{LeafSession, Stage, binding_until};
use super::signing::{Proof, Signing};
use crate::authentication::{self, Checking, Verdict};
use crate::handshake::TRACING_PROTO;
use vagus_actors::connection::Turn;
use vagus_actors::leafnodes::LinkCandidate;
use vagus_auth::credentials::{Certificate, ConnectionType, Identity, Login};
use vagus_auth::permission::Rights;
use vagus_compression::mode::Mode;
use vagus_configs::GLOBAL_ACCOUNT;
use vagus_delivery::wire::CompressionLayer;
use vagus_protocol::error::{CloseReason, Complaint};
use vagus_protocol::leaf::{LeafConnect, LeafInfo};
use vagus_protocol::quote::Quoted;
use vagus_protocol::route::interest::append_leaf;
use vagus_protocol::version;

impl LeafSession {
    /// The hub has introduced itself while the link was being opened.
    pub(super) fn hear_introduction(&mut self, turn: &mut impl Turn) {
        if let Some(info) = self.known.info.take() {
            self.introduced(&info, turn);
        }
    }

    /// INFO.
    pub(super) fn info(&mut self, json: &[u8], turn: &mut impl Turn) {
        let Ok(info) = LeafInfo::read(json) else {
            return self.broken("an INFO that cannot be read", turn);
        };
        match &self.stage {
            Stage::Connecting(_) => self.compress_for_leaf(&info, turn),
            Stage::Introducing(_) => self.introduced(&info, turn),
            Stage::Binding(_) if info.connect_info => self.bound_there(&info, turn),
            Stage::Binding(_) => {}
            // As in nats-server, a leaf node tells its hub, too, where leaf nodes can connect: that is of no use here.
            Stage::Linked if !self.shown.is_dialled => {}
            Stage::Linked => self.hear_of_hub(&info, turn),
        }
    }

    /// A leaf node says how it would have the link compressed, before it says who it is. If it is to be, everything after this
    /// is, and this server introduces itself once more.
    fn compress_for_leaf(&mut self, info: &LeafInfo, turn: &mut impl Turn) {
        let (mode, now) = (self.compression().clone(), turn.now());
        let level = match self.compressing.agree(&mode, &info.compression, now) {
            Ok(level) => level,
            Err(error) => return self.refuse(&error.to_string(), CloseReason::ProtocolViolation, turn),
        };
        let Some(level) = level else {
            return;
        };
        turn.put_layer(Box::new(|below| Box::new(CompressionLayer::new(below, level))));
        let mut line = Vec::new();
        self.own_info(&mode).append(&mut line);
        turn.reply(&line);
    }

    /// INFO of this server, with how it compresses.
    fn own_info(&self, mode: &Mode) -> LeafInfo {
        let nonce = match self.shown.is_dialled {
            true => None,
            false => self.nonce.as_deref(),
        };
        LeafInfo {
            client_id: self.party.id,
            nonce: String::from_utf8_lossy(nonce.unwrap_or_default()).into_owned(),
            compression: self.compressing.said(mode).to_owned(),
            ..self.settings.info()
        }
    }

    /// A hub has said what it is: it is told who this server is, once it is clear whether the link is compressed.
    fn introduced(&mut self, info: &LeafInfo, turn: &mut impl Turn) {
        let Some(errand) = self.party.errand.clone() else {
            return;
        };
        if !is_one_word(&info.cluster) {
            return self.refuse(
                "cluster name cannot contain spaces or new lines",
                CloseReason::ProtocolViolation,
                turn,
            );
        }
        if self.compressing.is_open() {
            let (mode, now) = (self.compression().clone(), turn.now());
            match self.compressing.agree(&mode, &info.compression, now) {
                Ok(None) => {}
                Ok(Some(level)) => {
                    let mut line = Vec::new();
                    self.own_info(&mode).append(&mut line);
                    turn.reply(&line);
                    turn.put_layer(Box::new(|below| Box::new(CompressionLayer::new(below, level))));
                    // It introduces itself once more.
                    return;
                }
                Err(error) => return self.refuse(&error.to_string(), CloseReason::ProtocolViolation, turn),
            }
        }
        let remote = &errand.remote;
        let settings = remote.settings();
        let account = self.settings.accounts.find(&settings.account);
        let Some(account) = account else {
            log::error!(
                "{} - Unable to lookup account {} for solicited leafnode connection: account missing",
                self.party,
                settings.account
            );
            return self.end(CloseReason::MissingAccount, turn);
        };
        self.account = Some(account);
        remote.discover(&info.leafnode_urls, &info.ws_connect_urls);
        self.nonce = Some(info.nonce.as_bytes().into());
        let (user, password) = remote.login();
        let own = &self.settings.info;
        let mut connect = LeafConnect {
            version: own.version.clone(),
            server_id: own.server_id.clone(),
            domain: own.domain.clone(),
            name: own.server_name.clone(),
            is_hub: settings.is_hub,
            cluster: match self.settings.cluster_name() {
                // As in nats-server, one that is in no cluster is one by itself.
                name if name.is_empty() => own.server_name.clone(),
                name => name,
            },
            headers: own.headers && info.headers,
            jetstream: own.jetstream,
            deny_pub: settings.deny_imports.clone(),
            isolate: settings.requests_isolation,
            compress_mode: self.compressing.text().to_owned(),
            remote_account: settings.account.clone(),
            protocol: own.proto,
            ..LeafConnect::default()
        };
        // As in nats-server, a user without a password may be a token.
        if password.is_none() {
            connect.auth_token.clone_from(&user);
        }
        (connect.user, connect.pass) = (user, password.unwrap_or_default());
        self.shown.server = match info.server_name.is_empty() {
            true => info.server_id.clone(),
            false => info.server_name.clone(),
        };
        self.shown.cluster.clone_from(&info.cluster);
        self.shown.domain.clone_from(&info.domain);
        self.version.clone_from(&info.version);
        self.passes_traces_on = info.proto >= TRACING_PROTO;
        self.binds_at_once = (!info.info_on_connect).then(|| Box::new(info.clone()));
        match Signing::of(settings, &info.nonce) {
            Some(signing) => self.signing = Some((Some(signing), Box::new(connect))),
            None => self.say_connect(&connect, turn),
        }
    }

    /// What this server shows its hub was made ready.
    pub(super) fn signed(
        &mut self,
        proof: Result<Proof, String>,
        connect: LeafConnect,
        turn: &mut impl Turn,
    ) {
        match proof {
            Ok(Proof {
                token,
                public_key,
                signature,
            }) => {
                let connect = LeafConnect {
                    jwt: token,
                    nkey: public_key,
                    sig: signature,
                    ..connect
                };
                self.say_connect(&connect, turn);
            }
            Err(error) => {
                log::error!("{} - {error}", self.party);
                self.end(CloseReason::WriteError, turn);
            }
        }
    }

    fn say_connect(&mut self, connect: &LeafConnect, turn: &mut impl Turn) {
        let mut line = Vec::new();
        connect.append(&mut line);
        turn.reply(&line);
        turn.accept_headers(connect.headers);
        self.stage = Stage::Binding(binding_until(turn.now()));
        log::debug!("{} - Remote leafnode connect msg sent", self.party);
        if let Some(info) = self.binds_at_once.take() {
            self.bound_there(&info, turn);
        }
    }

    /// The hub has bound this server to an account of its own.
    fn bound_there(&mut self, info: &LeafInfo, turn: &mut impl Turn) {
        self.shown.remote_account.clone_from(&info.remote_account);
        self.permissions = self.permissions_of_leaf(info);
        turn.establish();
        self.link(turn);
    }

    /// What the hub permits, and what the configuration and streams forbid.
    fn permissions_of_leaf(&self, info: &LeafInfo) -> LinkPermissions {
        let errand = self.party.errand.as_ref();
        let denied = self.denied_for_streams();
        let denied = match errand.map(|errand| errand.remote.settings()) {
            Some(settings) => denied.and(&settings.deny_imports, &settings.deny_exports),
            None => denied,
        };
        LinkPermissions::of_leaf(info.import.as_deref(), info.export.as_deref(), &denied)
    }

    fn denied_for_streams(&self) -> Denied {
        let own = &self.settings.info.domain;
        // Without streams of its own, and without a domain, a server extends nothing.
        let differs = *own != self.shown.domain || !self.settings.info.jetstream;
        Denied::of_streams(own, differs)
    }

    /// A hub says something new of itself.
    fn hear_of_hub(&mut self, info: &LeafInfo, turn: &mut impl Turn) {
        let Some(errand) = self.party.errand.clone() else {
            return;
        };
        errand.remote.discover(&info.leafnode_urls, &info.ws_connect_urls);
        if info.import.is_some() || info.export.is_some() {
            let permissions = self.permissions_of_leaf(info);
            self.permit(permissions, turn);
        }
    }

    /// CONNECT.
    pub(super) fn connect(&mut self, json: &[u8], turn: &mut impl Turn) {
        if !matches!(self.stage, Stage::Connecting(_)) {
            // As in nats-server, who has said it may say it again.
            return;
        }
        let Ok(connect) = LeafConnect::read(json) else {
            return self.broken("a CONNECT that cannot be read", turn);
        };
        if !connect.lang.is_empty() {
            return self.refuse(
                "attempted to connect to leaf node port",
                CloseReason::WrongPort,
                turn,
            );
        }
        if let Some(accounts) = self.settings.claimed_accounts.clone() {
            return self.begin_with_token(&accounts, connect, turn);
        }
        let (verdict, identity) = self.judge(&connect);
        self.judged(verdict, identity, connect, turn);
    }

    /// How a leaf node has connected.
    pub(super) fn connection_type(&self) -> ConnectionType {
        match self.party.speaks_websocket {
            true => ConnectionType::LeafNodeWebSocket,
            false => ConnectionType::LeafNode,
        }
    }

    /// Whether a leaf node presents what is asked for.
    fn judge(&self, connect: &LeafConnect) -> (Verdict, Option<Identity>) {
        let maps = self.settings.tls.as_ref().is_some_and(|tls| tls.maps);
        let login = Login {
            user: &connect.user,
            password: &connect.pass,
            token: &connect.auth_token,
            nkey: &connect.nkey,
            signature: &connect.sig,
            certificate: match (maps, &self.known.names) {
                (false, _) => Certificate::NotAsked,
                (true, None) => Certificate::Missing,
                (true, Some(names)) => Certificate::Shown(names),
            },
            connection: self.connection_type(),
        };
        authentication::decide(
            &self.settings.gate,
            &login,
            self.nonce.as_deref().unwrap_or_default(),
        )
    }

    /// It has been decided whether a leaf node may connect; or not yet.
    pub(super) fn judged(
        &mut self,
        verdict: Verdict,
        identity: Option<Identity>,
        connect: LeafConnect,
        turn: &mut impl Turn,
    ) {
        match (verdict, identity) {
            (Verdict::Verify(task), _) => self.login = Some(Checking::new(task, connect)),
            (Verdict::Admitted, Some(identity)) => self.admitted(identity, &connect, turn),
            (Verdict::Admitted | Verdict::Refused, _) => self.turned_away(turn),
        }
    }

    pub(super) fn turned_away(&mut self, turn: &mut impl Turn) {
        self.ending.complain(&Complaint::AuthorizationViolation);
        log::error!("{} - authentication error", self.party);
        self.end(CloseReason::AuthenticationFailure, turn);
    }

    pub(super) fn admitted(&mut self, identity: Identity, connect: &LeafConnect, turn: &mut impl Turn) {
        let account = match identity.user() {
            Some(_) => identity.account().unwrap_or(GLOBAL_ACCOUNT),
            None => &self.settings.account,
        };
        let Some(account) = self.settings.accounts.find(account) else {
            return self.turned_away(turn);
        };
        if identity.requires_proxy() {
            self.ending.complain(&Complaint::ProxyRequired);
            return self.end(CloseReason::ProxyRequired, turn);
        }
        self.account = Some(account);
        let own_cluster = self.settings.cluster_name();
        if !is_one_word(&connect.cluster) {
            return self.refuse(
                "cluster name cannot contain spaces or new lines",
                CloseReason::ProtocolViolation,
                turn,
            );
        }
        if !own_cluster.is_empty() && connect.cluster == own_cluster {
            return self.refuse(
                "remote leafnode has same cluster name",
                CloseReason::SameClusterName,
                turn,
            );
        }
        if !connect.gateway.is_empty() {
            let gateway = Quoted(connect.gateway.as_bytes());
            let text = format!("Rejecting connection from gateway {gateway} on the leafnode port");
            return self.refuse(&text, CloseReason::WrongGateway, turn);
        }
        let rights = identity.rights();
        if let Some(min) = self.settings.min_version.clone()
            && version::components(&connect.version) < version::components(&min)
        {
            // Recent leaf nodes read why only once they are bound.
            self.tell_bound(&rights, turn);
            let text = format!("connection rejected since minimum version required is {min:?}");
            return self.refuse(&text, CloseReason::MinimumVersionRequired, turn);
        }
        if self.compressing.is_open() {
            // It knows nothing of compression.
            let mode = self.compression().clone();
            let agreed = self.compressing.agree(&mode, "", turn.now());
            debug_assert!(matches!(agreed, Ok(None)));
        }
        self.limits.max_line = self.settings.max_line;
        self.shown.server.clone_from(&connect.name);
        self.shown.cluster.clone_from(&connect.cluster);
        self.shown.domain.clone_from(&connect.domain);
        self.shown.remote_account.clone_from(&connect.remote_account);
        self.shown.is_spoke = connect.is_hub;
        self.shown.is_isolated |= connect.isolate;
        self.version.clone_from(&connect.version);
        turn.accept_headers(self.settings.info.headers && connect.headers);
        turn.may_answer_requests(rights.response_permission());
        self.passes_traces_on = connect.protocol >= TRACING_PROTO;
        let denied = self.denied_for_streams().and(&[], &connect.deny_pub);
        self.permissions = LinkPermissions::of_hub(&rights, &denied);
        self.identity = Some(Box::new(identity));
        self.tell_bound(&rights, turn);
        self.link(turn);
    }

    /// Tells a leaf node where it can connect, if that has changed.
    fn tell_urls(&mut self, turn: &mut impl Turn) {
        if self.shown.is_dialled {
            return;
        }
        let urls = self.settings.urls();
        if urls != self.told_urls {
            let mut line = Vec::new();
            self.settings.info().append(&mut line);
            turn.reply(&line);
            self.told_urls = urls;
        }
    }

    /// Tells a leaf node which account it is bound to, and what it may do.
    fn tell_bound(&mut self, rights: &Rights, turn: &mut impl Turn) {
        let account = self.account.as_ref();
        let (import, export) = LinkPermissions::told(rights);
        let info = LeafInfo {
            client_id: self.party.id,
            import,
            export,
            remote_account: account.map_or("", |account| account.name()).to_owned(),
            acc_is_sys: account.is_some_and(|account| self.settings.accounts.is_system(account)),
            connect_info: true,
            ..self.settings.info()
        };
        self.told_urls = HubUrls {
            leaf_nodes: info.leafnode_urls.clone(),
            websocket: info.ws_connect_urls.clone(),
        };
        let mut line = Vec::new();
        info.append(&mut line);
        turn.reply(&line);
    }

    /// There is a link from now on: what is wanted here is told, and what is wanted there is taken.
    fn link(&mut self, turn: &mut impl Turn) {
        let Some(account) = self.account.clone() else {
            return self.turned_away(turn);
        };
        let links = self.settings.links.clone();
        turn.take_role(self.kind(), self.shown.cluster.as_bytes(), self.shown.is_isolated);
        if !turn.bind(&account) {
            return self.too_many(turn);
        }
        let Some(voice) = turn.voice() else {
            return self.broken("a link that nobody can speak on", turn);
        };
        let remote = self.party.errand.as_ref().map(|errand| errand.remote.clone());
        let link = links.join(
            LinkCandidate {
                connection: self.party.id,
                server: self.shown.server.clone(),
                cluster: self.shown.cluster.clone(),
                account: account.name().to_owned(),
                remote_account: self.shown.remote_account.clone(),
                remote,
            },
            voice,
        );
        if link.has_replaced {
            log::warn!("{} - Replacing connection from same server", self.party);
        }
        log::info!(
            "{} - JetStream using domains: local {:?}, remote {:?}",
            self.party,
            self.settings.info.domain,
            self.shown.domain
        );
        self.stage = Stage::Linked;
        self.link = Some(link);
        let loop_subject = links.loop_subject(account.name());
        let mut line = Vec::new();
        append_leaf(&mut line, loop_subject.as_bytes(), None, 1);
        self.loop_subject = Some(loop_subject);
        turn.reply(&line);
        self.follow_mappings(turn);
        if self.passes_traces_on {
            turn.pass_traces_on();
        }
        turn.introduce();
        turn.set_name(&self.shown.server);
        self.begin_heartbeat(turn.now());
        turn.watch_interest();
    }

    /// The account may not have so many links.
    fn too_many(&mut self, turn: &mut impl Turn) {
        log::error!("{} - maximum account active connections exceeded", self.party);
        self.ending.complain(&Complaint::MaximumAccountConnections);
        self.end(CloseReason::MaximumAccountConnectionsExceeded, turn);
    }

    /// PONG.
    pub(super) fn pong(&mut self, turn: &mut impl Turn) {
        self.heartbeat.answered(turn.now());
        let round_trip = self.heartbeat.round_trip();
        let mode = self.compression().clone();
        self.compressing.adjust(&mode, round_trip);
    }

    /// The server is set otherwise.
    pub(super) fn adopt_settings(&mut self, turn: &mut impl Turn) {
        if matches!(self.stage, Stage::Linked) {
            if self.account.clone().is_some_and(|account| !turn.bind(&account)) {
                return self.too_many(turn);
            }
            self.follow_mappings(turn);
            self.tell_urls(turn);
        }
        if self.settings_version == self.live.version() {
            return self.follow_token(turn);
        }
        (self.settings, self.settings_version) = self.live.current();
        self.heartbeat
            .adjust(self.settings.ping_interval, self.settings.ping_max, turn.now());
        if !matches!(self.stage, Stage::Linked) {
            return;
        }
        let is_there = self
            .account
            .as_ref()
            .is_some_and(|account| self.settings.accounts.find(account.name()).is_some());
        if !is_there {
            return self.end(CloseReason::MissingAccount, turn);
        }
        if self.held_token.is_some() {
            return self.follow_token(turn);
        }
        let Some(identity) = self.identity.take() else {
            return;
        };
        // It has proven who it is before.
        let maps = self.settings.tls.as_ref().is_some_and(|tls| tls.maps);
        let certificate = match (maps, &self.known.names) {
            (false, _) => Certificate::NotAsked,
            (true, None) => Certificate::Missing,
            (true, Some(names)) => Certificate::Shown(names),
        };
        let Some(renewed) = self.settings.gate.renew(&identity, certificate) else {
            return self.turned_away(turn);
        };
        if renewed.account() != identity.account() || renewed.rights() != identity.rights() {
            // It is told what it may do when it comes anew.
            return self.end(CloseReason::ClientClosed, turn);
        }
        self.identity = Some(Box::new(renewed));
        let mode = self.compression().clone();
        if self.compressing.has_to_begin_anew(&mode) {
            return self.end(CloseReason::ClientClosed, turn);
        }
        self.compressing.adjust(&mode, self.heartbeat.round_trip());
    }
}
/// Whether a name can stand in a line that is said to others.
fn is_one_word(name: &str) -> bool {
    !name.bytes().any(|byte| byte == b' ' || byte.is_ascii_control())
}
