use crate::listen::Port;

/// How many connections that ended are remembered, unless set.
const CLOSED_CLIENTS: usize = 10_000;

/// What the server shows over HTTP. Nothing unless a port is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Monitoring {
    /// The address of both ports; that of clients when not set.
    pub host: Option<String>,
    /// The port of HTTP, if there is one.
    pub http: Option<Port>,
    /// The port of HTTPS, if there is one: it has the certificate of the clients' port.
    pub https: Option<Port>,
    /// What the paths of all pages begin with, as the operator wrote it; may be empty. See
    /// [`Monitoring::root`].
    pub base_path: String,
    /// How many connections that ended are remembered, the newest; never 0.
    pub max_closed_clients: usize,
}

impl Default for Monitoring {
    fn default() -> Self {
        Self {
            host: None,
            http: None,
            https: None,
            base_path: String::new(),
            max_closed_clients: CLOSED_CLIENTS,
        }
    }
}

impl Monitoring {
    /// The port that a number asks for: 0 for none, -1 for any that is free. None if it is out of range.
    pub fn port_from_number(number: i64) -> Option<Option<Port>> {
        if number == 0 {
            Some(None)
        } else {
            Port::from_number(number).map(Some)
        }
    }

    /// The path that all pages are below: begins with a slash, ends with none, empty for no base path. Dots and
    /// doubled slashes in what the operator wrote are resolved.
    pub fn root(&self) -> String {
        let mut parts = Vec::new();
        for part in self.base_path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        parts.iter().map(|part| format!("/{part}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Monitoring;

    #[test]
    fn the_root_is_clean() {
        for (written, root) in [
            ("", ""),
            ("/", ""),
            ("nats", "/nats"),
            ("/nats/", "/nats"),
            ("//a/./b/../c", "/a/c"),
            ("../..", ""),
        ] {
            let monitoring = Monitoring {
                base_path: written.to_owned(),
                ..Monitoring::default()
            };
            assert_eq!(monitoring.root(), root, "{written:?}");
        }
    }
}
