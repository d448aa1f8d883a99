//! How much each side of a connection compresses what it sends, and how two servers agree on whether they do.

use std::fmt;
use std::time::Duration;

/// How much a side compresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Level {
    /// Blocks as they are, in the frames of compressed ones.
    Uncompressed,
    /// As fast as can be.
    Fast,
    /// Better, and slower.
    Better,
    /// As well as can be.
    Best,
}

/// How a server is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// As a server that has never heard of it.
    NotSupported,
    /// Not at all.
    Off,
    /// As the other side wants it.
    Accept,
    /// As the time of a round trip suggests.
    Auto(RoundTrips),
    /// Always so.
    Always(Level),
}

/// Up to which round trip each level is used, from the least to the best. 0 is for a level that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundTrips(Vec<Duration>);

/// What two servers have agreed on, for what one of them sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreed {
    /// The other server has never heard of it.
    NotSupported,
    /// One of them does not want it, or none asks for it.
    Off,
    /// This much.
    Level(Level),
}

/// The other server wants what there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unsupported route compression mode {0:?}")]
pub struct UnsupportedMode(pub String);

/// What is wrong with a mode that an operator wants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadMode {
    /// There is none of this name.
    #[error("unsupported compression mode {0:?}")]
    Unsupported(String),
    /// A threshold is below one before it.
    #[error("RTT threshold values {} should be in ascending order", List(.0))]
    NotAscending(Vec<Duration>),
    /// There are more thresholds than levels.
    #[error(
        "compression mode {mode:?} should have no more than 4 RTT thresholds: {}",
        List(said)
    )]
    TooManyThresholds {
        /// The mode, as the operator calls it.
        mode: String,
        /// All that were said.
        said: Vec<Duration>,
    },
    /// All thresholds are 0.
    #[error("compression mode {0:?} requires at least one RTT threshold")]
    NoThreshold(String),
}

/// As nats-server shows durations: `[10ms 1s]`.
struct List<'a>(&'a [Duration]);

impl fmt::Display for List<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(|one| format!("{one:?}")).collect();
        write!(out, "[{}]", texts.join(" "))
    }
}

/// Beyond the last of these is the best level.
const USUAL_ROUND_TRIPS: [Duration; 3] = [
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(100),
];

impl Level {
    const ALL: [Self; 4] = [Self::Uncompressed, Self::Fast, Self::Better, Self::Best];

    /// As servers call it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Uncompressed => "s2_uncompressed",
            Self::Fast => "s2_fast",
            Self::Better => "s2_better",
            Self::Best => "s2_best",
        }
    }

    /// The level of this number, counted from the least; the best if there are not so many.
    pub fn from_number(number: usize) -> Self {
        Self::ALL.get(number).copied().unwrap_or(Self::Best)
    }
}

impl RoundTrips {
    /// Of what an operator says, as nats-server understands it. Zeros at the end say nothing.
    fn new(mode: &str, said: &[Duration]) -> Result<Self, BadMode> {
        let mut highest = Duration::ZERO;
        for one in said.iter().filter(|one| !one.is_zero()) {
            if *one < highest {
                return Err(BadMode::NotAscending(said.to_vec()));
            }
            highest = *one;
        }
        let used = said
            .iter()
            .rposition(|one| !one.is_zero())
            .map_or(0, |last| last + 1);
        match used {
            0 => Err(BadMode::NoThreshold(mode.to_owned())),
            1..=4 => Ok(Self(said[..used].to_vec())),
            _ => Err(BadMode::TooManyThresholds {
                mode: mode.to_owned(),
                said: said.to_vec(),
            }),
        }
    }

    /// The level for a round trip of this time.
    pub fn level(&self, round_trip: Duration) -> Level {
        let within = self.0.iter().position(|limit| round_trip <= *limit);
        Level::from_number(match (within, self.0.len()) {
            (Some(number), _) => number,
            (None, 0..3) => self.0.len().saturating_sub(1),
            (None, _) => 3,
        })
    }
}

impl Default for RoundTrips {
    fn default() -> Self {
        Self(USUAL_ROUND_TRIPS.to_vec())
    }
}

impl Mode {
    /// As links of leaf nodes are compressed where nothing is said of it.
    pub fn default_of_leaf_nodes() -> Self {
        Self::Auto(RoundTrips::default())
    }

    /// The mode of this name, in any case; `on` is for one who just wants compression. The round trips count for
    /// [`Mode::Auto`] alone; none is for the usual ones.
    ///
    /// # Errors
    /// When there is none, or the round trips make no sense.
    pub fn read(name: &str, on: &Self, round_trips: &[Duration]) -> Result<Self, BadMode> {
        Ok(match &*name.to_lowercase() {
            "on" | "enabled" | "true" => on.clone(),
            "not supported" | "not_supported" => Self::NotSupported,
            "disabled" | "off" | "false" => Self::Off,
            "accept" => Self::Accept,
            "auto" | "s2_auto" if round_trips.is_empty() => Self::Auto(RoundTrips::default()),
            "auto" | "s2_auto" => Self::Auto(RoundTrips::new(name, round_trips)?),
            "fast" | "s2_fast" => Self::Always(Level::Fast),
            "better" | "s2_better" => Self::Always(Level::Better),
            "best" | "s2_best" => Self::Always(Level::Best),
            _ => return Err(BadMode::Unsupported(name.to_owned())),
        })
    }

    /// As servers call it.
    pub fn text(&self) -> &'static str {
        match self {
            Self::NotSupported => "not supported",
            Self::Off => "off",
            Self::Accept => "accept",
            Self::Auto(_) => "s2_auto",
            Self::Always(level) => level.text(),
        }
    }

    /// Whether it is up to the other side, too, whether the connection is compressed.
    pub fn negotiates(&self) -> bool {
        !matches!(self, Self::NotSupported | Self::Off)
    }

    /// What is agreed on with a server that says it has this mode, nothing for one that has never heard of it. Each side
    /// compresses as it is set; the round trip counts for [`Mode::Auto`].
    ///
    /// # Errors
    /// When it says something else.
    pub fn agree(&self, theirs: &str, round_trip: Duration) -> Result<Agreed, UnsupportedMode> {
        if !self.negotiates() {
            return Ok(match theirs.is_empty() || *self == Self::NotSupported {
                true => Agreed::NotSupported,
                false => Agreed::Off,
            });
        }
        let wanted = Level::ALL.into_iter().find(|level| level.text() == theirs);
        Ok(match (theirs, self) {
            ("" | "not supported", _) => Agreed::NotSupported,
            ("off", _) | ("accept", Self::Accept) => Agreed::Off,
            ("s2_auto", Self::Accept) => Agreed::Level(Level::Fast),
            _ if wanted.is_none() && !matches!(theirs, "accept" | "s2_auto") => {
                return Err(UnsupportedMode(theirs.to_owned()));
            }
            (_, Self::Auto(round_trips)) => Agreed::Level(round_trips.level(round_trip)),
            (_, Self::Always(level)) => Agreed::Level(*level),
            _ => wanted.map_or(Agreed::Off, Agreed::Level),
        })
    }
}

impl Agreed {
    /// As servers call it.
    pub fn text(self) -> &'static str {
        match self {
            Self::NotSupported => "not supported",
            Self::Off => "off",
            Self::Level(level) => level.text(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Agreed, BadMode, Level, Mode, RoundTrips};
    use std::time::Duration;

    const ON: Mode = Mode::Always(Level::Fast);

    fn milliseconds(numbers: &[u64]) -> Vec<Duration> {
        numbers.iter().copied().map(Duration::from_millis).collect()
    }

    #[test]
    fn modes_have_names() {
        for (name, mode) in [
            ("ON", ON),
            ("enabled", ON),
            ("true", ON),
            ("not_supported", Mode::NotSupported),
            ("disabled", Mode::Off),
            ("Off", Mode::Off),
            ("accept", Mode::Accept),
            ("auto", Mode::Auto(RoundTrips::default())),
            ("s2_auto", Mode::Auto(RoundTrips::default())),
            ("fast", ON),
            ("S2_BETTER", Mode::Always(Level::Better)),
            ("best", Mode::Always(Level::Best)),
        ] {
            assert_eq!(Mode::read(name, &ON, &[]), Ok(mode), "{name}");
        }
        for name in ["", "gzip", "s2_uncompressed"] {
            let error = Mode::read(name, &ON, &[]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("unsupported compression mode {name:?}")
            );
        }
    }

    #[test]
    fn round_trips_choose_levels() {
        for (limits, round_trip, level) in [
            (&[5, 10, 15, 20][..], 5, Level::Uncompressed),
            (&[5, 10, 15, 20], 6, Level::Fast),
            (&[5, 10, 15, 20], 15, Level::Better),
            (&[5, 10, 15, 20], 16, Level::Best),
            (&[5, 10, 15, 20], 21, Level::Best),
            (&[0, 0, 20, 30], 1, Level::Better),
            (&[0, 0, 20], 21, Level::Best),
            (&[5, 10], 100, Level::Fast),
            (&[5, 10, 0, 0], 100, Level::Fast),
            (&[5], 100, Level::Uncompressed),
        ] {
            let Mode::Auto(limits) = Mode::read("auto", &ON, &milliseconds(limits)).unwrap() else {
                panic!("{limits:?}");
            };
            assert_eq!(
                limits.level(Duration::from_millis(round_trip)),
                level,
                "{limits:?} {round_trip}"
            );
        }
        assert_eq!(
            RoundTrips::default().level(Duration::from_millis(11)),
            Level::Fast
        );
    }

    #[test]
    fn round_trips_that_make_no_sense_are_refused() {
        for (limits, error) in [
            (
                &[10, 5][..],
                "RTT threshold values [10ms 5ms] should be in ascending order",
            ),
            (
                &[10, 0, 5],
                "RTT threshold values [10ms 0ns 5ms] should be in ascending order",
            ),
            (
                &[0, 0],
                "compression mode \"auto\" requires at least one RTT threshold",
            ),
            (
                &[1, 2, 3, 4, 5],
                "compression mode \"auto\" should have no more than 4 RTT thresholds: [1ms 2ms 3ms 4ms 5ms]",
            ),
        ] {
            let found: BadMode = Mode::read("auto", &ON, &milliseconds(limits)).unwrap_err();
            assert_eq!(found.to_string(), error);
        }
    }

    #[test]
    fn each_side_compresses_as_it_is_set() {
        let auto = Mode::Auto(RoundTrips::default());
        let level = |level| Ok(Agreed::Level(level));
        for (ours, theirs, agreed) in [
            (Mode::Accept, "", Ok(Agreed::NotSupported)),
            (Mode::Accept, "not supported", Ok(Agreed::NotSupported)),
            (Mode::Accept, "off", Ok(Agreed::Off)),
            (Mode::Accept, "accept", Ok(Agreed::Off)),
            (Mode::Accept, "s2_auto", level(Level::Fast)),
            (Mode::Accept, "s2_uncompressed", level(Level::Uncompressed)),
            (Mode::Accept, "s2_best", level(Level::Best)),
            (Mode::Always(Level::Better), "accept", level(Level::Better)),
            (Mode::Always(Level::Better), "s2_auto", level(Level::Better)),
            (Mode::Always(Level::Better), "s2_fast", level(Level::Better)),
            (Mode::Always(Level::Better), "off", Ok(Agreed::Off)),
            (auto.clone(), "accept", level(Level::Fast)),
            (auto.clone(), "s2_best", level(Level::Fast)),
            (Mode::Off, "s2_best", Ok(Agreed::Off)),
            (Mode::Off, "", Ok(Agreed::NotSupported)),
            (Mode::NotSupported, "s2_best", Ok(Agreed::NotSupported)),
            (
                Mode::Accept,
                "gzip",
                Err("unsupported route compression mode \"gzip\"".to_owned()),
            ),
            (
                auto,
                "gzip",
                Err("unsupported route compression mode \"gzip\"".to_owned()),
            ),
        ] {
            let found = ours.agree(theirs, Duration::from_millis(20));
            assert_eq!(
                found.map_err(|error| error.to_string()),
                agreed,
                "{ours:?} {theirs}"
            );
        }
    }
}
