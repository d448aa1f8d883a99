//! Which files a configuration names: all of them, so that a proposer that may not name any can be held to that.

use crate::{Admin, BesideTls, Config, ConnectorSettings, ListenerSettings, Logging, SyslogAddress};
use std::path::Path;
use vagus_tls::{KeyPair, OcspCache, Pem, Settings};

/// The files that a configuration names.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct NamedFiles<'c> {
    /// Those that are read.
    pub read: Vec<&'c Path>,
    /// Those that are written, and folders where files are.
    pub written: Vec<&'c Path>,
}

impl Config {
    /// The files it names, each as it is named.
    pub fn files(&self) -> NamedFiles<'_> {
        // A setting that is added has to be looked at here.
        let Self {
            clients,
            accounts: _,
            operators,
            trusted_proxies: _,
            server_name: _,
            tags: _,
            metadata: _,
            limits: _,
            beside_tls,
            logging,
            lame_duck: _,
            pid_file,
            store_dir,
            feature_flags: _,
            ports_file_dir,
            monitoring: _,
            metrics: _,
            admin,
            cluster,
            gateway,
            leafnodes,
            connectors,
            websocket,
            digest: _,
            jetstream: _,
            arbiters: _,
        } = self;
        let mut files = NamedFiles::default();
        files.written.extend(pid_file.as_deref());
        files.written.extend(ports_file_dir.as_deref());
        files.written.extend(store_dir.as_deref());
        files.of_log(logging);
        if let Some(operators) = operators {
            files
                .read
                .extend(operators.files.iter().map(|path| path.as_path()));
            files.written.extend(operators.resolver.folder());
        }
        let admin_tls = admin.as_ref().and_then(|admin| {
            let Admin {
                listen: _,
                users: _,
                tokens: _,
                tls,
                protect_monitoring: _,
            } = admin;
            tls.as_ref()
        });
        let BesideTls {
            allow_non_tls: _,
            stapling: _,
            ocsp_cache,
        } = beside_tls;
        files.of_cache(ocsp_cache);
        files.of_listener(clients);
        if let Some(cluster) = cluster {
            files.of_listener(&cluster.listener);
        }
        if let Some(gateway) = gateway {
            files.of_listener(&gateway.listener);
            for tls in gateway.remotes.iter().filter_map(|remote| remote.tls.as_ref()) {
                files.of_tls(tls);
            }
        }
        if let Some(listener) = &leafnodes.listener {
            files.of_listener(&listener.settings);
        }
        for remote in &leafnodes.remotes {
            files.read.extend(remote.credentials.as_deref());
            if let Some(tls) = &remote.tls {
                files.of_tls(tls);
            }
        }
        let websocket_tls = websocket.as_ref().and_then(|websocket| websocket.tls.as_ref());
        for tls in admin_tls.into_iter().chain(websocket_tls) {
            files.of_tls(tls);
        }
        for tls in connectors.iter().filter_map(ConnectorSettings::tls) {
            files.of_tls(tls);
        }
        files
    }
}

impl<'c> NamedFiles<'c> {
    fn of_log(&mut self, logging: &'c Logging) {
        let Logging {
            debug: _,
            trace: _,
            trace_system_account: _,
            trace_headers: _,
            file,
            file_size_limit: _,
            max_files: _,
            syslog: _,
            remote_syslog,
            format: _,
            time: _,
            max_traced_payload: _,
            connect_error_reports: _,
            reconnect_error_reports: _,
        } = logging;
        self.written.extend(file.as_deref());
        match remote_syslog {
            Some(SyslogAddress::Unix(path)) => self.written.push(path),
            Some(SyslogAddress::Udp(_) | SyslogAddress::Tcp(_)) | None => {}
        }
    }

    fn of_listener(&mut self, listener: &'c ListenerSettings) {
        let ListenerSettings {
            listen: _,
            advertise: _,
            requires_proxy: _,
            tls,
            credentials: _,
            callout: _,
            auth_timeout: _,
            proxy_protocol: _,
        } = listener;
        if let Some(tls) = tls {
            self.of_tls(tls);
        }
    }

    fn of_tls(&mut self, tls: &'c Settings) {
        let Settings {
            certificates,
            ca,
            verify: _,
            verify_and_map: _,
            verify_cert_and_check_known_urls: _,
            allow_non_tls: _,
            handshake_first: _,
            timeout: _,
            cipher_suites: _,
            curve_preferences: _,
            min_version: _,
            pinned_certs: _,
            connection_rate_limit: _,
            insecure: _,
            stapling: _,
            ocsp_peer: _,
            staple_store,
            ocsp_cache,
        } = tls;
        self.written.extend(staple_store.as_deref());
        self.of_cache(ocsp_cache);
        let pairs = certificates
            .iter()
            .flat_map(|KeyPair { certificate, key }| [certificate, key]);
        self.read.extend(pairs.chain(ca).filter_map(|pem| match pem {
            Pem::File(path) => Some(path.as_path()),
            Pem::Text(_) => None,
        }));
    }

    fn of_cache(&mut self, cache: &'c OcspCache) {
        let OcspCache {
            enabled: _,
            preserve_revoked: _,
            local_store,
            save_interval: _,
        } = cache;
        self.written.extend(local_store.as_deref());
    }
}

#[cfg(test)]
mod tests {
    use crate::{Disk, parse};
    use std::path::Path;

    #[test]
    fn all_are_found() {
        let text = "
            pid_file: /a/pid
            ports_file_dir: /a/ports
            log_file: /a/log
            store_dir: /a/store
            ocsp_cache { type: local, local_store: /a/cache }
            remote_syslog: 'unix:///a/socket'
            tls { cert_file: /a/cert, key_file: /a/key, ca_file: /a/ca }
            admin { listen: '127.0.0.1:1', tls { certs: [{cert_file: /b/cert, key_file: /b/key}], ca_file: /b/ca } }
        ";
        let loaded = parse(text, Path::new("a.conf"), &Disk, &|_: &str| None).unwrap();
        let files = loaded.config.files();
        assert_eq!(
            files.read,
            ["/a/cert", "/a/key", "/a/ca", "/b/cert", "/b/key", "/b/ca"].map(Path::new)
        );
        let mut written = files.written;
        written.sort_unstable();
        written.dedup();
        assert_eq!(
            written,
            [
                "/a/cache",
                "/a/log",
                "/a/pid",
                "/a/ports",
                "/a/socket",
                "/a/store",
                "/a/store/ocsp"
            ]
            .map(Path::new)
        );
    }
}
