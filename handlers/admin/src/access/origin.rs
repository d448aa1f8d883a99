//! Whether a request is one that a browser was made to send by somebody else's page.

/// What a request says of where it comes from.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Origin<'a> {
    /// Whether it only asks: GET, HEAD or OPTIONS.
    pub(super) only_asks: bool,
    /// Whether a form could send it: POST. With any other method that changes something browsers ask first.
    pub(super) may_be_form: bool,
    /// `Host`, with the port.
    pub(super) host: Option<&'a str>,
    /// `Origin`.
    pub(super) origin: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub(super) fetch_site: Option<&'a str>,
    /// `Sec-Fetch-Mode`.
    pub(super) fetch_mode: Option<&'a str>,
    /// `Content-Type`.
    pub(super) content_type: Option<&'a str>,
    /// Whether it has the header that forms and pages of others cannot send.
    pub(super) is_marked: bool,
}

/// Why a request is not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Foreign {
    #[error("the request comes from the page of another site")]
    Site,
    #[error("the Host of the request is none that this service has")]
    Host,
    #[error("a POST must have the Content-Type application/json or a header X-Vagus")]
    Unmarked,
}

impl Origin<'_> {
    /// Refuses what a page of another site may have sent. Where nobody logs in (`open`), the name by which the service
    /// was reached must be one of this machine: any page can have its own name point here.
    pub(super) fn check(self, open: bool) -> Result<(), Foreign> {
        if open && !self.host.is_some_and(is_this_machine) {
            return Err(Foreign::Host);
        }
        let site = self.fetch_site.unwrap_or("none");
        let follows_link = self.only_asks && self.fetch_mode == Some("navigate");
        if !matches!(site, "none" | "same-origin") && !follows_link {
            return Err(Foreign::Site);
        }
        if self.origin.is_some_and(|origin| !self.is_own(origin)) {
            return Err(Foreign::Site);
        }
        let is_json = self.content_type.is_some_and(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case("application/json")
        });
        if self.may_be_form && !is_json && !self.is_marked {
            return Err(Foreign::Unmarked);
        }
        Ok(())
    }

    fn is_own(&self, origin: &str) -> bool {
        let own = origin
            .strip_prefix("https://")
            .or_else(|| origin.strip_prefix("http://"));
        own.is_some() && own.map(str::to_ascii_lowercase) == self.host.map(str::to_ascii_lowercase)
    }
}

/// An address, or the one name that every machine has for itself.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, _)) => name,
            None => return false,
        },
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::{Foreign, Origin};

    const ASKS: Origin<'static> = Origin {
        only_asks: true,
        may_be_form: false,
        host: Some("127.0.0.1:8223"),
        origin: None,
        fetch_site: None,
        fetch_mode: None,
        content_type: None,
        is_marked: false,
    };
    const CHANGES: Origin<'static> = Origin {
        only_asks: false,
        may_be_form: true,
        content_type: Some("application/json; charset=utf-8"),
        ..ASKS
    };

    #[test]
    fn programs_and_our_own_page_are_heard() {
        for request in [
            ASKS,
            CHANGES,
            Origin {
                content_type: None,
                is_marked: true,
                ..CHANGES
            },
            Origin {
                content_type: None,
                may_be_form: false,
                ..CHANGES
            },
            Origin {
                origin: Some("http://127.0.0.1:8223"),
                fetch_site: Some("same-origin"),
                fetch_mode: Some("cors"),
                ..CHANGES
            },
            Origin {
                fetch_site: Some("cross-site"),
                fetch_mode: Some("navigate"),
                ..ASKS
            },
            Origin {
                host: Some("[::1]:8223"),
                ..ASKS
            },
            Origin {
                host: Some("LOCALHOST"),
                ..ASKS
            },
        ] {
            assert_eq!(request.check(true), Ok(()), "{request:?}");
        }
    }

    #[test]
    fn pages_of_others_are_not() {
        for (request, expected) in [
            (
                Origin {
                    origin: Some("https://evil.example"),
                    ..CHANGES
                },
                Foreign::Site,
            ),
            (
                Origin {
                    origin: Some("null"),
                    ..CHANGES
                },
                Foreign::Site,
            ),
            (
                Origin {
                    origin: Some("http://127.0.0.1:9999"),
                    ..CHANGES
                },
                Foreign::Site,
            ),
            (
                Origin {
                    fetch_site: Some("same-site"),
                    fetch_mode: Some("no-cors"),
                    ..ASKS
                },
                Foreign::Site,
            ),
            (
                Origin {
                    fetch_site: Some("cross-site"),
                    fetch_mode: Some("navigate"),
                    ..CHANGES
                },
                Foreign::Site,
            ),
            (
                Origin {
                    content_type: Some("text/plain"),
                    ..CHANGES
                },
                Foreign::Unmarked,
            ),
            (
                Origin {
                    content_type: None,
                    ..CHANGES
                },
                Foreign::Unmarked,
            ),
        ] {
            assert_eq!(request.check(false), Err(expected), "{request:?}");
        }
    }

    #[test]
    fn where_nobody_logs_in_the_host_must_be_this_machine() {
        for host in [
            Some("rebound.example:8223"),
            Some("localhost.example"),
            Some(""),
            Some("[::1"),
            None,
        ] {
            let request = Origin { host, ..ASKS };
            assert_eq!(request.check(true), Err(Foreign::Host), "{host:?}");
            assert_eq!(request.check(false), Ok(()), "{host:?}");
        }
    }
}
