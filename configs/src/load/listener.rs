//! The keys of a listener: where it is, TLS, who may connect, what others are told. Those of clients stand outside of all
//! maps, those of other listeners in sections.

use super::accounts::AccountUsers;
use super::authorization::{Access, Authorization};
use super::findings::Findings;
use super::{listen, tls};
use crate::grammar::Entry;
use crate::{Accounts, BesideTls, Listen, ListenerSettings, is_advertisable};
use std::path::Path;
use std::time::Duration;
use vagus_auth::permission::Permissions;

/// What a file says about one listener, until all of it is read.
pub(super) struct Section<'e> {
    pub(super) settings: ListenerSettings,
    /// Whether those who connect are servers, which have certificates of their own.
    is_for_servers: bool,
    /// What those may do of whom nothing else is said.
    pub(super) permissions: Option<Permissions>,
    /// Where it is unless something else is said.
    usual: Listen,
    /// The key by which it says what others are told.
    advertise: &'static str,
    /// The section `tls`, and what it says if it says anything that can be used.
    tls: Option<(&'e Entry, Option<vagus_tls::Settings>)>,
    access: Access<'e>,
    auth_timeout: Option<Duration>,
}

impl<'e> Section<'e> {
    /// What holds for a listener of which nothing is said.
    pub(super) fn of(settings: ListenerSettings, advertise: &'static str) -> Self {
        Self {
            usual: settings.listen.clone(),
            settings,
            is_for_servers: false,
            permissions: None,
            advertise,
            tls: None,
            access: Access::default(),
            auth_timeout: None,
        }
    }

    /// The same, of one where other servers connect.
    pub(super) fn of_servers(settings: ListenerSettings, advertise: &'static str) -> Self {
        Self {
            is_for_servers: true,
            ..Self::of(settings, advertise)
        }
    }

    pub(super) fn take(&mut self, key: &str, entry: &'e Entry, findings: &mut Findings) -> bool {
        if listen::take(key, entry, &mut self.settings.listen, &self.usual, findings) {
            return true;
        }
        match key {
            "tls" => self.tls = Some((entry, tls::section(entry, self.is_for_servers, findings))),
            "authorization" => {
                let Authorization {
                    credentials,
                    timeout,
                    requires_proxy,
                    callout,
                    permissions,
                } = Authorization::read(entry, findings);
                self.settings.callout = callout;
                self.permissions = permissions;
                self.access.set(entry, credentials);
                self.settings.requires_proxy = requires_proxy;
                self.auth_timeout = timeout.or(self.auth_timeout);
            }
            "no_auth_user" => self.access.set_no_auth_user(entry, findings),
            _ if key == self.advertise => self.advertise(entry, findings),
            _ => return false,
        }
        true
    }

    /// Those who belong to accounts may connect here, beside those of the listener itself.
    pub(super) fn admit(
        &mut self,
        users: Vec<AccountUsers<'e>>,
        accounts: &Accounts,
        findings: &mut Findings,
    ) {
        self.access.admit(users, accounts, findings);
    }

    fn advertise(&mut self, entry: &Entry, findings: &mut Findings) {
        let Some(address) = findings.optional_text(entry) else {
            return;
        };
        if address
            .as_deref()
            .is_some_and(|address| !is_advertisable(address))
        {
            let message = format!("{} must be <host> or <host>:<port>", self.advertise);
            findings.obstacle(entry, message);
        }
        self.settings.advertise = address;
    }

    /// What was said, once the whole file was read.
    pub(super) fn settle(
        self,
        beside_tls: &BesideTls,
        store_dir: Option<&Path>,
        findings: &mut Findings,
    ) -> ListenerSettings {
        let mut settings = self.settings;
        settings.credentials = self.access.credentials(findings);
        if let Some((entry, Some(mut tls))) = self.tls {
            beside_tls.lay_under(&mut tls, store_dir);
            tls::check(entry, &tls, findings);
            settings.tls = Some(tls);
        }
        let usual = ListenerSettings::usual_auth_timeout(settings.tls.as_ref());
        settings.auth_timeout = self.auth_timeout.unwrap_or(usual);
        settings
    }
}
