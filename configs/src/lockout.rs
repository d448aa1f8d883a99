//! Settings with which nobody could get in: legal in a file, where somebody means them, and not to be made from afar.

use crate::Config;
use std::time::Duration;

/// What a CONNECT of usual clients takes.
const CONNECT: usize = 512;

/// What is said to a client before it has read anything: INFO and answers to its first lines.
const FIRST_WORDS: usize = 64 * 1024;

/// What a peer on the other side of the world needs to answer.
const ROUND_TRIP: Duration = Duration::from_millis(500);

impl Config {
    /// Why no client could connect, or none stay, with these settings; None if clients can.
    pub fn locks_out(&self) -> Option<String> {
        let limits = &self.limits;
        if limits.max_control_line < CONNECT {
            return Some(format!(
                "max_control_line: no client could log in with less than {CONNECT} bytes"
            ));
        }
        if limits.max_connections == 0 {
            return Some("max_connections: there would be no client at all".to_owned());
        }
        if limits.max_pending < FIRST_WORDS {
            return Some(format!(
                "max_pending: no client would get its first answers with less than {FIRST_WORDS} bytes"
            ));
        }
        for (key, time) in [
            ("ping_interval", limits.ping_interval),
            ("write_deadline", limits.write_deadline),
            ("authorization timeout", self.clients.auth_timeout),
        ] {
            if time < ROUND_TRIP {
                let milliseconds = ROUND_TRIP.as_millis();
                return Some(format!(
                    "{key}: no client could answer within less than {milliseconds} ms"
                ));
            }
        }
        self.clients
            .tls
            .as_ref()
            .filter(|tls| tls.timeout < ROUND_TRIP)
            .map(|_| "tls timeout: no client could finish a handshake within less than 500 ms".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;
    use std::time::Duration;

    #[test]
    fn nobody_could_get_in() {
        let with = |set: fn(&mut Config)| {
            let mut config = Config::default();
            set(&mut config);
            config.locks_out()
        };
        assert_eq!(with(|_| {}), None);
        assert_eq!(with(|config| config.limits.max_payload = 1), None);
        let locked: [fn(&mut Config); 6] = [
            |config| config.limits.max_connections = 0,
            |config| config.limits.max_control_line = 1,
            |config| config.limits.max_pending = 1,
            |config| config.limits.ping_interval = Duration::from_nanos(1),
            |config| config.clients.auth_timeout = Duration::from_millis(1),
            |config| config.limits.write_deadline = Duration::from_millis(1),
        ];
        for set in locked {
            assert!(with(set).is_some());
        }
    }
}
