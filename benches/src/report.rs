//! The table, and the same as JSON.

use serde_json::{Value, json};

use crate::host::Host;
use crate::measurement::{Measurement, Timing};
use crate::scenarios::{Scenario, Target};
use crate::server::ServerProgram;
use crate::statistics::Figure;
use crate::summary::{NOISE, Ratio, Ratios, Rounds, Summary, verdict};
use crate::table::{Table, grouped};

/// Everything measured, and where.
#[derive(Debug, Clone)]
pub struct Report {
    /// The machine at the start.
    pub host: Host,
    /// Load averages at the end.
    pub load_after: String,
    /// The servers and what they say about their version, the one of interest first.
    pub servers: Vec<(ServerProgram, String)>,
    /// How long each window was.
    pub timing: Timing,
    /// How many rounds were asked for.
    pub rounds: usize,
    /// For each scenario the rounds of each server, in the order of `servers`.
    pub scenarios: Vec<(Scenario, Vec<Rounds>)>,
}

impl Report {
    /// Whether any run failed.
    pub fn any_failure(&self) -> bool {
        self.scenarios
            .iter()
            .any(|(_, servers)| servers.iter().any(|rounds| !rounds.failures.is_empty()))
    }

    /// Header, table, legend, failures and notes.
    pub fn render(&self, markdown: bool) -> String {
        let mut text = self.header(markdown);
        text.push('\n');
        text.push_str(&self.table().render(markdown));
        text.push('\n');
        text.push_str(&format!(
            "CPU is that of the server's process, or of all of a cluster, for each message delivered (published if nobody subscribes); \
             ± is half the distance between its quartiles.\nRatios compare {} with the best of the others, figure by \
             figure: more than 1 is better. Below {:.0} % they are noise.\n",
            self.servers.first().map_or("the first server", |(server, _)| server.name.as_str()),
            NOISE * 100.0
        ));
        for (scenario, servers) in &self.scenarios {
            for ((server, _), rounds) in self.servers.iter().zip(servers) {
                for failure in &rounds.failures {
                    text.push_str(&format!(
                        "FAILED {} on {}: {failure}\n",
                        scenario.name, server.name
                    ));
                }
                for note in rounds.notes() {
                    text.push_str(&format!("{} on {}: {note}\n", scenario.name, server.name));
                }
            }
        }
        text
    }

    fn header(&self, markdown: bool) -> String {
        let host = &self.host;
        let mut lines = vec![
            format!(
                "{}, {} x {}, Linux {}",
                host.date, host.processors, host.model, host.kernel
            ),
            format!("load before {}, after {}", host.load, self.load_after),
            format!(
                "medians of {} rounds of {:.1} s",
                self.rounds,
                self.timing.window.as_secs_f64()
            ),
        ];
        let servers = self.servers.iter();
        lines.extend(servers.map(|(server, version)| format!("{}: {version}", server.name)));
        let start = if markdown { "- " } else { "" };
        lines.iter().map(|line| format!("{start}{line}\n")).collect()
    }

    fn table(&self) -> Table {
        let header = [
            "scenario", "server", "CPU ns", "±%", "msgs/s", "p50 us", "p99 us", "memory", "CPU x", "rate x",
            "p50 x", "mem x", "target", "verdict",
        ];
        let mut table = Table::new(&header, 2);
        for (scenario, servers) in &self.scenarios {
            let summaries: Vec<Summary> = servers.iter().map(Rounds::summary).collect();
            for (index, (server, _)) in self.servers.iter().enumerate() {
                let Some((rounds, summary)) = servers.get(index).zip(summaries.get(index)) else {
                    continue;
                };
                let mut row = vec![scenario.name.to_owned(), server.name.clone()];
                row.extend(figures(summary));
                row.extend(match index {
                    0 => comparison(&scenario.target, summary, &summaries[1..]),
                    _ => std::array::from_fn(|_| String::new()),
                });
                if !rounds.failures.is_empty() {
                    let failed = format!(
                        "FAILED {} of {}",
                        rounds.failures.len(),
                        rounds.failures.len() + rounds.measurements.len()
                    );
                    row.pop();
                    row.push(failed);
                }
                table.push(row);
            }
        }
        table
    }

    /// Everything, each round included. Times are nanoseconds, memory bytes.
    pub fn json(&self) -> Value {
        let host = &self.host;
        let servers = self.servers.iter().map(|(server, version)| {
            json!({ "name": server.name, "program": server.program, "arguments": server.arguments,
                "version": version })
        });
        let scenarios = self.scenarios.iter().map(|(scenario, servers)| {
            let summaries: Vec<Summary> = servers.iter().map(Rounds::summary).collect();
            let compared = summaries.split_first().map(|(ours, others)| {
                let ratios = Ratios::of(ours, others);
                let missed = verdict(&scenario.target, ours, &ratios);
                let value = |ratio: Option<Ratio>| ratio.map(|ratio| ratio.value);
                json!({ "cpu": value(ratios.cpu), "rate": value(ratios.rate), "p50": value(ratios.p50),
                    "memory": value(ratios.memory), "missed": missed })
            });
            let each = self.servers.iter().zip(servers.iter().zip(&summaries));
            let results = each.map(|((server, _), (rounds, summary))| {
                json!({ "server": server.name, "median": summary_json(summary),
                    "rounds": rounds.measurements.iter().map(round_json).collect::<Vec<_>>(),
                    "failures": rounds.failures })
            });
            let target = &scenario.target;
            json!({ "name": scenario.name, "about": scenario.about,
                "target": { "cpu": target.cpu, "p50": target.p50, "rate_counts": target.rate_counts,
                    "bytes_each": target.bytes_each },
                "results": results.collect::<Vec<_>>(), "first_against_best_other": compared })
        });
        json!({
            "date": host.date, "processors": host.processors, "model": host.model, "kernel": host.kernel,
            "load_before": host.load, "load_after": self.load_after, "rounds": self.rounds,
            "window_seconds": self.timing.window.as_secs_f64(),
            "warm_up_seconds": self.timing.warm_up.as_secs_f64(),
            "servers": servers.collect::<Vec<_>>(), "scenarios": scenarios.collect::<Vec<_>>(),
        })
    }
}

fn summary_json(summary: &Summary) -> Value {
    let both = |figure: Option<Figure>| {
        figure.map(|figure| json!({ "median": figure.median, "spread": figure.spread }))
    };
    json!({ "cpu_ns": both(summary.cpu), "rate": both(summary.rate), "p50_ns": both(summary.p50),
        "p99_ns": both(summary.p99), "resident_bytes": both(summary.resident),
        "bytes_each": both(summary.each) })
}

fn round_json(round: &Measurement) -> Value {
    json!({ "messages": round.messages, "seconds": round.seconds, "cpu_ns": round.cpu_ns,
        "resident_bytes": round.resident_bytes, "p50_ns": round.latency.map(|latency| latency.p50_ns),
        "p99_ns": round.latency.map(|latency| latency.p99_ns),
        "bytes_each": round.bytes_each, "note": round.note })
}

fn figures(summary: &Summary) -> [String; 6] {
    let show = |figure: Option<Figure>, show: fn(f64) -> String| figure.map(|figure| show(figure.median));
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let microseconds = |time| show(time, |time| format!("{:.0}", time / 1e3)).unwrap_or_default();
    let precise = |cpu| {
        if cpu < 100.0 {
            format!("{cpu:.1}")
        } else {
            grouped(cpu)
        }
    };
    let megabytes = |bytes| format!("{:.1} MB", bytes / 1e6);
    let each = show(summary.each, |bytes| format!("{} B", grouped(bytes)));
    let spread = summary.cpu.filter(|cpu| cpu.spread > 0.0);
    [
        or_dash(show(summary.cpu, precise)),
        spread
            .map(|cpu| format!("{:.0}", cpu.spread * 100.0))
            .unwrap_or_default(),
        or_dash(show(summary.rate, grouped)),
        microseconds(summary.p50),
        microseconds(summary.p99),
        or_dash(each.or(show(summary.resident, megabytes))),
    ]
}

fn comparison(target: &Target, ours: &Summary, others: &[Summary]) -> [String; 6] {
    if others.is_empty() {
        return std::array::from_fn(|_| String::new());
    }
    let ratios = Ratios::of(ours, others);
    let show = |ratio: Option<Ratio>| {
        ratio
            .map(|ratio| format!("{:.2}", ratio.value))
            .unwrap_or_default()
    };
    let mut wanted = format!("{:.1}", target.cpu);
    if target.p50 > 1.0 {
        wanted.push_str(&format!(", p50 {:.2}", target.p50));
    }
    if let Some(bytes) = target.bytes_each {
        wanted.push_str(&format!(", {bytes:.0} B"));
    }
    let missed = verdict(target, ours, &ratios);
    let verdict = if missed.is_empty() {
        "ok".to_owned()
    } else {
        missed.join("; ")
    };
    let [cpu, rate, p50, memory] = [ratios.cpu, ratios.rate, ratios.p50, ratios.memory].map(show);
    [cpu, rate, p50, memory, wanted, verdict]
}
