use std::path::Path;
use vagus_tls::{OcspCache, Settings, Stapling};

/// The folder of [`Config::store_dir`](crate::Config::store_dir) that has what is told of the server's certificates.
const STAPLES: &str = "ocsp";

/// What is said about TLS outside of the section `tls`. It counts for whatever certificates there are, those of flags too.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BesideTls {
    /// Whether clients may also go without TLS.
    pub allow_non_tls: bool,
    /// What is told to peers of the state of the server's certificates.
    pub stapling: Option<Stapling>,
    /// How long is remembered what authorities said of certificates of peers.
    pub ocsp_cache: OcspCache,
}

impl BesideTls {
    /// What of it counts for a listener where everybody who connects speaks TLS.
    pub(crate) fn without_exceptions(&self) -> Self {
        Self {
            allow_non_tls: false,
            ..self.clone()
        }
    }

    /// Sets all of it, and where answers about the server's certificates are kept.
    pub fn lay_under(&self, settings: &mut Settings, store_dir: Option<&Path>) {
        settings.allow_non_tls = self.allow_non_tls;
        settings.stapling.clone_from(&self.stapling);
        settings.ocsp_cache.clone_from(&self.ocsp_cache);
        settings.staple_store = store_dir.map(|folder| folder.join(STAPLES));
    }
}
