//! Attacks a list of servers, in turns, and prints one table.

use std::process::ExitCode;

use clap::Parser;
use vagus_benches::arguments::Siege;
use vagus_benches::error::BenchError;
use vagus_benches::host::{self, Host};
use vagus_benches::hostile::outcome::{Row, better, in_a_line, render};
use vagus_benches::hostile::scene::Outcome;
use vagus_benches::hostile::{ALL, Attack};
use vagus_benches::terminal::{self, listed, print, progress};

fn main() -> ExitCode {
    terminal::run("hostile", attack)
}

fn attack() -> Result<ExitCode, BenchError> {
    let Siege { selection, rounds } = Siege::parse();
    selection.check()?;
    let wanted: Vec<&Attack> = ALL.iter().filter(|attack| selection.wants(attack.name)).collect();
    if wanted.is_empty() {
        return Err(BenchError::Usage(
            "no attack has such a name; see --list".to_owned(),
        ));
    }
    if selection.list {
        let entries = wanted.iter().map(|attack| (attack.name, attack.about));
        return print(&listed(entries)).map(|()| ExitCode::SUCCESS);
    }
    host::raise_open_files()?;
    let Host { date, model, .. } = Host::now();
    let mut said = format!("{date}, {model}\n");
    for server in &selection.servers {
        said.push_str(&format!("{}: {}\n", server.name, server.version()?));
    }
    said.push_str("Longest waits in milliseconds, memory in MB above that before the attack\n\n");
    let mut rows: Vec<Row> = Vec::new();
    for attack in wanted {
        let mut outcomes: Vec<Option<Result<Outcome, String>>> = vec![None; selection.servers.len()];
        for _ in 0..rounds.get() {
            for (server, before) in selection.servers.iter().zip(&mut outcomes) {
                let outcome = attack.on(server).map_err(|error| error.to_string());
                let shown = match &outcome {
                    Ok(outcome) => in_a_line(outcome),
                    Err(why) => format!("FAILED: {why}"),
                };
                progress(&format!("{} {}: {shown}", attack.name, server.name));
                *before = Some(match (before.take(), outcome) {
                    (Some(Ok(one)), Ok(other)) => Ok(better(one, other)),
                    (Some(Ok(one)), Err(_)) => Ok(one),
                    (_, outcome) => outcome,
                });
            }
        }
        let names = selection.servers.iter().map(|server| server.name.clone());
        rows.push((attack.name, names.zip(outcomes.into_iter().flatten()).collect()));
    }
    let (table, kept_all) = render(&rows, selection.markdown);
    print(&(said + &table))?;
    Ok(if kept_all {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
