//! Runs the scenarios on a list of servers, in turns, and prints one table.

use std::fs;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use vagus_benches::arguments::Comparison;
use vagus_benches::error::{BenchError, Doing};
use vagus_benches::host::{self, Host};
use vagus_benches::measurement::{Measurement, Timing};
use vagus_benches::report::Report;
use vagus_benches::scenarios::{self, Scenario};
use vagus_benches::server::ServerProgram;
use vagus_benches::summary::Rounds;
use vagus_benches::table::grouped;
use vagus_benches::terminal::{self, listed, print, progress};

fn main() -> ExitCode {
    terminal::run("compare", compare)
}

fn compare() -> Result<ExitCode, BenchError> {
    let arguments = Comparison::parse();
    let (selection, timing) = (&arguments.selection, arguments.timing());
    selection.check()?;
    let wanted: Vec<Scenario> = scenarios::all()
        .filter(|scenario| selection.wants(scenario.name))
        .copied()
        .collect();
    if wanted.is_empty() {
        return Err(BenchError::Usage(
            "no scenario has such a name; see --list".to_owned(),
        ));
    }
    if selection.list {
        let entries = wanted.iter().map(|scenario| (scenario.name, scenario.about));
        return print(&listed(entries)).map(|()| ExitCode::SUCCESS);
    }
    host::raise_open_files()?;
    let mut report = Report {
        host: Host::now(),
        load_after: String::new(),
        servers: Vec::new(),
        timing,
        rounds: arguments.rounds.get(),
        scenarios: Vec::new(),
    };
    for server in &selection.servers {
        report.servers.push((server.clone(), server.version()?));
    }
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    let mut random = fastrand::Rng::with_seed(arguments.seed.unwrap_or(u64::from(time)));
    for scenario in wanted {
        let mut results = vec![Rounds::default(); selection.servers.len()];
        let runs = arguments.rounds.get() * scenario.runs_per_round();
        for run_number in 1..=runs {
            let mut order: Vec<usize> = (0..selection.servers.len()).collect();
            random.shuffle(&mut order);
            for index in order {
                let server = &selection.servers[index];
                let at = format!("{} {run_number}/{runs} {}", scenario.name, server.name);
                match run(&scenario, server, timing) {
                    Ok(None) => progress(&format!("{at}: left out, it cannot be set so")),
                    Ok(Some(measurement)) => {
                        progress(&format!("{at}: {}", one_line(&measurement)));
                        results[index].measurements.push(measurement);
                    }
                    Err(error) => {
                        progress(&format!("{at}: FAILED: {error}"));
                        results[index].failures.push(error.to_string());
                    }
                }
            }
        }
        report.scenarios.push((scenario, results));
    }
    report.load_after = host::load();
    print(&report.render(selection.markdown))?;
    if let Some(path) = &arguments.json {
        fs::write(path, format!("{:#}\n", report.json())).doing(|| format!("writing {}", path.display()))?;
    }
    Ok(if report.any_failure() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// None if the server cannot be set as the scenario wants it.
fn run(
    scenario: &Scenario,
    program: &ServerProgram,
    timing: Timing,
) -> Result<Option<Measurement>, BenchError> {
    if !program.can_be_set(scenario.setup())? {
        return Ok(None);
    }
    let mut server = program.start(scenario.setup())?;
    let result = scenario.run(&mut server, timing);
    if result.is_err() {
        progress(&format!(
            "  the server's output is in {}",
            server.keep_output().display()
        ));
    }
    result.map(Some)
}

fn one_line(measurement: &Measurement) -> String {
    let cpu = measurement
        .cpu_per_message()
        .map_or("-".to_owned(), |cpu| format!("{cpu:.1}"));
    format!("{cpu} ns, {}/s", grouped(measurement.rate()))
}
