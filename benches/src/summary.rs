//! From rounds to medians, and from medians to a verdict.

use crate::measurement::Measurement;
use crate::scenarios::Target;
use crate::statistics::Figure;

/// Differences smaller than this are noise on a quiet machine.
pub const NOISE: f64 = 0.15;
/// However much the rounds differ, missing a target by more than this is no noise.
const MOST_NOISE: f64 = 0.4;

/// All rounds of one scenario on one server.
#[derive(Debug, Clone, Default)]
pub struct Rounds {
    /// Those that succeeded.
    pub measurements: Vec<Measurement>,
    /// Why the others did not.
    pub failures: Vec<String>,
}

/// The figures over all rounds; `None` where nothing was measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// CPU nanoseconds for each message.
    pub cpu: Option<Figure>,
    /// Messages in a second.
    pub rate: Option<Figure>,
    /// p50, nanoseconds.
    pub p50: Option<Figure>,
    /// p99, nanoseconds.
    pub p99: Option<Figure>,
    /// Resident memory, bytes.
    pub resident: Option<Figure>,
    /// Memory of a connection, stream or consumer, or disk of a message, bytes.
    pub each: Option<Figure>,
}

impl Rounds {
    /// Each figure by itself.
    pub fn summary(&self) -> Summary {
        let all = |figure: &dyn Fn(&Measurement) -> Option<f64>| {
            let values: Vec<f64> = self.measurements.iter().filter_map(figure).collect();
            Figure::of(&values)
        };
        Summary {
            cpu: all(&Measurement::cpu_per_message),
            rate: all(&|each| Some(each.rate())),
            p50: all(&|each| Some(each.latency?.p50_ns as f64)),
            p99: all(&|each| Some(each.latency?.p99_ns as f64)),
            resident: all(&|each| Some(each.resident_bytes as f64)),
            each: all(&|each| each.bytes_each),
        }
    }

    /// The notes of all rounds, each once.
    pub fn notes(&self) -> Vec<&str> {
        let mut notes: Vec<&str> = self
            .measurements
            .iter()
            .filter_map(|each| each.note.as_deref())
            .collect();
        notes.dedup();
        notes
    }
}

/// How much better the first server is than the best of the others: above 1 is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// Of the medians.
    pub value: f64,
    /// The spreads of both, added: how far the rounds differ among themselves.
    pub spread: f64,
}

impl Ratio {
    /// `above` by `below`. Infinite where nothing reached the others' subscribers; nothing by nothing
    /// says nothing.
    fn of(above: Figure, below: Figure) -> Option<Self> {
        let (value, spread) = (above.median / below.median, above.spread + below.spread);
        (!value.is_nan()).then_some(Self { value, spread })
    }
}

/// The ratios of all figures. "Best" is meant figure by figure, so it need not be the same server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ratios {
    /// Their CPU for each message by ours.
    pub cpu: Option<Ratio>,
    /// Our rate by theirs.
    pub rate: Option<Ratio>,
    /// Their p50 by ours.
    pub p50: Option<Ratio>,
    /// Their memory by ours.
    pub memory: Option<Ratio>,
}

impl Ratios {
    /// Compares `ours` with the best of `others`.
    pub fn of(ours: &Summary, others: &[Summary]) -> Self {
        let by_median = |one: &Figure, other: &Figure| one.median.total_cmp(&other.median);
        let lowest = |figure: fn(&Summary) -> Option<Figure>| {
            Ratio::of(others.iter().filter_map(figure).min_by(by_median)?, figure(ours)?)
        };
        let best_rate = others.iter().filter_map(|other| other.rate).max_by(by_median);
        Self {
            cpu: lowest(|each| each.cpu),
            rate: ours
                .rate
                .zip(best_rate)
                .and_then(|(ours, best)| Ratio::of(ours, best)),
            p50: lowest(|each| each.p50),
            memory: lowest(|figures| figures.each.or(figures.resident)),
        }
    }
}

/// What is below the target: nothing, or a list of figures. `MISSED` is said of a figure that is too low
/// by more than [`NOISE`] and by more than the rounds differ among themselves; `near` of the others, but
/// not where the target is to be no worse and only [`NOISE`] is between.
pub fn verdict(target: &Target, ours: &Summary, ratios: &Ratios) -> Vec<String> {
    let mut missed = Vec::new();
    let mut at_least = |what: &str, ratio: Option<Ratio>, wanted: f64| {
        let Some(Ratio { value, spread }) = ratio else {
            return;
        };
        let word = if value < wanted * (1.0 - spread.clamp(NOISE, MOST_NOISE)) {
            "MISSED"
        } else if value < wanted * (1.0 - NOISE) || (value < wanted && wanted > 1.0) {
            "near"
        } else {
            return;
        };
        missed.push(format!("{word} {what} {value:.2}<{wanted:.2}"));
    };
    at_least("cpu", ratios.cpu, target.cpu);
    at_least("rate", ratios.rate.filter(|_| target.rate_counts), 1.0);
    at_least("p50", ratios.p50, target.p50);
    at_least("memory", ratios.memory, 1.0);
    if let (Some(bytes), Some(limit)) = (ours.each, target.bytes_each)
        && bytes.median > limit
    {
        missed.push(format!("MISSED {:.0}>{limit:.0} B", bytes.median));
    }
    missed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measurement(messages: u64, cpu_ns: u64) -> Measurement {
        Measurement {
            messages,
            seconds: 2.0,
            cpu_ns,
            resident_bytes: 1_000,
            latency: None,
            bytes_each: None,
            note: None,
        }
    }

    const TARGET: Target = Target {
        cpu: 3.0,
        p50: 1.0,
        bytes_each: Some(3_072.0),
        rate_counts: true,
    };

    fn figure(median: f64) -> Option<Figure> {
        Some(Figure { median, spread: 0.0 })
    }

    fn ratio(value: f64) -> Option<Ratio> {
        Some(Ratio { value, spread: 0.0 })
    }

    #[test]
    fn figures_are_taken_over_rounds() {
        let measurements = vec![
            measurement(10, 1_000),
            measurement(20, 1_000),
            measurement(10, 3_000),
        ];
        let summary = Rounds {
            measurements,
            failures: Vec::new(),
        }
        .summary();
        assert_eq!(
            summary.cpu,
            Some(Figure {
                median: 100.0,
                spread: 1.25
            })
        );
        assert_eq!(
            summary.rate,
            Some(Figure {
                median: 5.0,
                spread: 0.5
            })
        );
        assert_eq!(summary.p50, None);
        let none = Rounds {
            measurements: vec![measurement(0, 5)],
            failures: Vec::new(),
        }
        .summary();
        assert_eq!((none.cpu, none.rate), (None, figure(0.0)));
    }

    #[test]
    fn ratios_are_against_the_best_in_each_figure() {
        let server = |cpu, rate| Summary {
            cpu: figure(cpu),
            rate: figure(rate),
            ..Summary::default()
        };
        let ratios = Ratios::of(
            &server(100.0, 50.0),
            &[server(300.0, 100.0), server(500.0, 200.0)],
        );
        assert_eq!(
            ratios,
            Ratios {
                cpu: ratio(3.0),
                rate: ratio(0.25),
                p50: None,
                memory: None
            }
        );
        assert_eq!(Ratios::of(&server(1.0, 1.0), &[]), Ratios::default());
        assert_eq!(
            Ratios::of(&server(1.0, 1.0), &[server(1.0, 0.0)]).rate,
            ratio(f64::INFINITY)
        );
        assert_eq!(Ratios::of(&server(1.0, 0.0), &[server(1.0, 0.0)]).rate, None);
    }

    #[test]
    fn a_miss_within_the_noise_is_only_near() {
        let ratios = |cpu, rate| Ratios {
            cpu: ratio(cpu),
            rate,
            ..Ratios::default()
        };
        let none = Summary::default();
        let said = |cpu, rate| verdict(&TARGET, &none, &ratios(cpu, rate));
        assert_eq!(said(3.0, ratio(0.9)), [""; 0]);
        assert_eq!(
            said(2.8, ratio(0.5)),
            ["near cpu 2.80<3.00", "MISSED rate 0.50<1.00"]
        );
        let noisy = Some(Ratio {
            value: 0.5,
            spread: 0.6,
        });
        assert_eq!(
            said(2.0, noisy),
            ["MISSED cpu 2.00<3.00", "MISSED rate 0.50<1.00"]
        );
        let noisy = Some(Ratio {
            value: 0.7,
            spread: 0.6,
        });
        assert_eq!(said(3.0, noisy), ["near rate 0.70<1.00"]);
        let paced = Target {
            rate_counts: false,
            ..TARGET
        };
        assert_eq!(verdict(&paced, &none, &ratios(3.0, ratio(0.5))), [""; 0]);
        let fat = Summary {
            each: figure(4_000.0),
            ..Summary::default()
        };
        assert_eq!(verdict(&TARGET, &fat, &Ratios::default()), ["MISSED 4000>3072 B"]);
    }
}
