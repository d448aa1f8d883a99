//! Types of connectors: from where to where.

/// A type of connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConnectorKind {
    pub(super) protocol: Protocol,
    pub(super) direction: Direction,
    /// Whether it is about streams, not about subjects.
    pub(super) is_of_streams: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Forward,
    Lumberjack,
    JsonLines,
    Http,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    In,
    Out,
    /// Both, as each call says.
    Both,
}

const PROTOCOLS: [(&str, Protocol); 3] = [
    ("forward", Protocol::Forward),
    ("lumberjack", Protocol::Lumberjack),
    ("jsonlines", Protocol::JsonLines),
];

impl Protocol {
    /// Where others expect it, if they do.
    pub(super) fn usual_port(self) -> Option<u16> {
        match self {
            Self::Forward => Some(24224),
            Self::Lumberjack => Some(5044),
            Self::JsonLines => None,
            Self::Http => Some(8080),
        }
    }
}

impl ConnectorKind {
    /// That of this name, in which upper and lower case mean nothing.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        if name == "http" {
            return Some(Self {
                protocol: Protocol::Http,
                direction: Direction::Both,
                is_of_streams: false,
            });
        }
        let (from, to) = name.split_once("to")?;
        let protocol = |name| {
            let mut protocols = PROTOCOLS.into_iter();
            protocols.find_map(|(known, protocol)| (known == name).then_some(protocol))
        };
        match (from, to) {
            ("nats" | "jetstream", to) => Some(Self {
                protocol: protocol(to)?,
                direction: Direction::Out,
                is_of_streams: from == "jetstream",
            }),
            (from, "nats" | "jetstream") => Some(Self {
                protocol: protocol(from)?,
                direction: Direction::In,
                is_of_streams: to == "jetstream",
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ConnectorKind, Direction, Protocol};

    #[test]
    fn types_are_from_and_to() {
        let kind = |protocol, direction, is_of_streams| {
            Some(ConnectorKind {
                protocol,
                direction,
                is_of_streams,
            })
        };
        for (name, expected) in [
            ("ForwardToNATS", kind(Protocol::Forward, Direction::In, false)),
            ("natstoforward", kind(Protocol::Forward, Direction::Out, false)),
            ("ForwardToJetStream", kind(Protocol::Forward, Direction::In, true)),
            (
                "NATSToLumberjack",
                kind(Protocol::Lumberjack, Direction::Out, false),
            ),
            (
                "JetStreamToLumberjack",
                kind(Protocol::Lumberjack, Direction::Out, true),
            ),
            ("JSONLinesToNATS", kind(Protocol::JsonLines, Direction::In, false)),
            ("HTTP", kind(Protocol::Http, Direction::Both, false)),
            ("NATSToNATS", None),
            ("JetStreamToNATS", None),
            ("NATSToKafka", None),
            ("Forward", None),
            ("", None),
        ] {
            assert_eq!(ConnectorKind::named(name), expected, "{name}");
        }
    }
}
