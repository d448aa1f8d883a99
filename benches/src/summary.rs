//! From rounds to medians, and from medians to a verdict.

use crate::measurement::Measurement;
use crate::scenarios::Target;
use crate::statistics::{median, spread};

/// Differences smaller than this are noise: a target missed by less is marked as near.
pub const NOISE: f64 = 0.15;

/// All rounds of one scenario on one server.
#[derive(Debug, Clone, Default)]
pub struct Rounds {
    /// Those that succeeded.
    pub measurements: Vec<Measurement>,
    /// Why the others did not.
    pub failures: Vec<String>,
}

/// Medians over the rounds; `None` where nothing was measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// CPU nanoseconds for each message.
    pub cpu: Option<f64>,
    /// Spread of the CPU over the rounds, see [`spread`].
    pub cpu_spread: Option<f64>,
    /// Messages in a second.
    pub rate: Option<f64>,
    /// p50, nanoseconds.
    pub p50: Option<f64>,
    /// p99, nanoseconds.
    pub p99: Option<f64>,
    /// Resident memory, bytes.
    pub resident: Option<f64>,
    /// Memory of a connection, bytes.
    pub connection: Option<f64>,
}

impl Rounds {
    /// The medians, each figure by itself.
    pub fn summary(&self) -> Summary {
        let all = |figure: &dyn Fn(&Measurement) -> Option<f64>| -> Vec<f64> {
            self.measurements.iter().filter_map(figure).collect()
        };
        let cpu = all(&Measurement::cpu_per_message);
        Summary {
            cpu: median(&cpu),
            cpu_spread: spread(&cpu),
            rate: median(&all(&|each| Some(each.rate()))),
            p50: median(&all(&|each| Some(each.latency?.p50_ns as f64))),
            p99: median(&all(&|each| Some(each.latency?.p99_ns as f64))),
            resident: median(&all(&|each| Some(each.resident_bytes as f64))),
            connection: median(&all(&|each| each.bytes_per_connection)),
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

/// How much better the first server is than the best of the others in each figure: above 1 is better.
/// "Best" is meant figure by figure, so it need not be the same server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ratios {
    /// Their CPU for each message by ours.
    pub cpu: Option<f64>,
    /// Our rate by theirs.
    pub rate: Option<f64>,
    /// Their p50 by ours.
    pub p50: Option<f64>,
    /// Their memory by ours.
    pub memory: Option<f64>,
}

impl Ratios {
    /// Compares `ours` with the best of `others`.
    pub fn of(ours: &Summary, others: &[Summary]) -> Self {
        let lowest = |figure: fn(&Summary) -> Option<f64>| -> Option<f64> {
            let best = others.iter().filter_map(figure).min_by(f64::total_cmp)?;
            figure(ours).filter(|ours| *ours > 0.0).map(|ours| best / ours)
        };
        let best_rate = others
            .iter()
            .filter_map(|other| other.rate)
            .max_by(f64::total_cmp);
        Self {
            cpu: lowest(|each| each.cpu),
            // Infinite where nothing reached the others' subscribers; nothing by nothing says nothing.
            rate: best_rate
                .zip(ours.rate)
                .map(|(best, ours)| ours / best)
                .filter(|ratio| !ratio.is_nan()),
            p50: lowest(|each| each.p50),
            memory: lowest(|each| each.connection.or(each.resident)),
        }
    }
}

/// What is below the target: nothing, or a list of figures, those missed by more than noise in capitals.
pub fn verdict(target: &Target, ours: &Summary, ratios: &Ratios) -> Vec<String> {
    let mut missed = Vec::new();
    let mut at_least = |what: &str, ratio: Option<f64>, wanted: f64| match ratio {
        Some(ratio) if ratio < wanted * (1.0 - NOISE) => {
            missed.push(format!("MISSED {what} {ratio:.2}<{wanted:.2}"));
        }
        // "No worse" within the noise is no worse.
        Some(ratio) if ratio < wanted && wanted > 1.0 => {
            missed.push(format!("near {what} {ratio:.2}<{wanted:.2}"))
        }
        _ => {}
    };
    at_least("cpu", ratios.cpu, target.cpu);
    at_least("rate", ratios.rate.filter(|_| target.rate_counts), 1.0);
    at_least("p50", ratios.p50, target.p50);
    at_least("memory", ratios.memory, 1.0);
    if let (Some(bytes), Some(limit)) = (ours.connection, target.bytes_per_connection)
        && bytes > limit
    {
        missed.push(format!("MISSED {bytes:.0}>{limit:.0} B"));
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
            bytes_per_connection: None,
            note: None,
        }
    }

    const TARGET: Target = Target {
        cpu: 3.0,
        p50: 1.0,
        bytes_per_connection: Some(3_072.0),
        rate_counts: true,
    };

    #[test]
    fn medians_are_taken_over_rounds() {
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
            (summary.cpu, summary.rate, summary.p50),
            (Some(100.0), Some(5.0), None)
        );
        let none = Rounds {
            measurements: vec![measurement(0, 5)],
            failures: Vec::new(),
        }
        .summary();
        assert_eq!((none.cpu, none.rate), (None, Some(0.0)));
    }

    #[test]
    fn ratios_are_against_the_best_in_each_figure() {
        let server = |cpu, rate| Summary {
            cpu: Some(cpu),
            rate: Some(rate),
            ..Summary::default()
        };
        let ratios = Ratios::of(
            &server(100.0, 50.0),
            &[server(300.0, 100.0), server(500.0, 200.0)],
        );
        assert_eq!(
            ratios,
            Ratios {
                cpu: Some(3.0),
                rate: Some(0.25),
                p50: None,
                memory: None
            }
        );
        assert_eq!(Ratios::of(&server(1.0, 1.0), &[]), Ratios::default());
        assert_eq!(
            Ratios::of(&server(1.0, 1.0), &[server(1.0, 0.0)]).rate,
            Some(f64::INFINITY)
        );
        assert_eq!(Ratios::of(&server(1.0, 0.0), &[server(1.0, 0.0)]).rate, None);
        let small = Ratios {
            rate: Some(0.9),
            ..Ratios::default()
        };
        assert_eq!(verdict(&TARGET, &Summary::default(), &small), [""; 0]);
    }

    #[test]
    fn a_miss_within_the_noise_is_only_near() {
        let ratios = |cpu| Ratios {
            cpu: Some(cpu),
            rate: Some(0.5),
            ..Ratios::default()
        };
        let ours = Summary {
            connection: Some(4_000.0),
            ..Summary::default()
        };
        let expected = [
            "near cpu 2.80<3.00",
            "MISSED rate 0.50<1.00",
            "MISSED 4000>3072 B",
        ];
        assert_eq!(verdict(&TARGET, &ours, &ratios(2.8)), expected);
        let paced = Target {
            rate_counts: false,
            bytes_per_connection: None,
            ..TARGET
        };
        assert_eq!(verdict(&paced, &ours, &ratios(3.0)), [""; 0]);
        assert_eq!(verdict(&paced, &ours, &ratios(2.0)), ["MISSED cpu 2.00<3.00"]);
    }
}
