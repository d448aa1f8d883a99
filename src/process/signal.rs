//! Signals to other processes: `--signal`.

use super::control;
use crate::flags::{Order, Signal};
use rustix::process::{Pid, Signal as Number, kill_process};
use std::io;
use thiserror::Error;

/// A signal that was not sent.
#[derive(Debug, Error)]
pub(crate) enum SendError {
    #[error("{0:?} is neither a process id nor a file that holds one")]
    BadProcess(String),
    #[error("cannot look for running servers ({0}); name the process")]
    Search(io::Error),
    #[error("no {0} process is running")]
    Nobody(String),
    #[error("more than one {program} process is running: {}", list(.pids))]
    Several { program: String, pids: Vec<i32> },
    #[error("process {pid} did not reload its configuration: {reason}")]
    Refused { pid: i32, reason: String },
    #[error("cannot signal process {pid}: {source}")]
    Send { pid: i32, source: io::Error },
}

fn list(pids: &[i32]) -> String {
    let texts: Vec<String> = pids.iter().map(i32::to_string).collect();
    texts.join(", ")
}

/// Sends the signal to every process that is meant.
pub(crate) fn send(order: &Order) -> Result<(), SendError> {
    let number = match order.signal {
        Signal::Stop => Number::KILL,
        Signal::Quit => Number::INT,
        Signal::Term => Number::TERM,
        Signal::Reopen => Number::USR1,
        Signal::Reload => Number::HUP,
        Signal::LameDuck => Number::USR2,
    };
    for pid in processes(order.process.as_deref())? {
        if order.signal == Signal::Reload {
            // It says whether it could; a server that cannot be asked is sent the signal.
            match control::reload(pid) {
                control::Answer::Done => continue,
                control::Answer::Refused(reason) => return Err(SendError::Refused { pid, reason }),
                control::Answer::NotThere => {}
            }
        }
        let process = Pid::from_raw(pid).ok_or_else(|| SendError::BadProcess(pid.to_string()))?;
        kill_process(process, number).map_err(|error| SendError::Send {
            pid,
            source: error.into(),
        })?;
    }
    Ok(())
}

fn processes(given: Option<&str>) -> Result<Vec<i32>, SendError> {
    let Some(given) = given else {
        return the_only_one();
    };
    // A file of that name goes before the number.
    let held = std::fs::read_to_string(given);
    let text = held.as_deref().unwrap_or(given);
    if let Some(start) = text.strip_suffix('*') {
        if !start.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SendError::BadProcess(given.to_owned()));
        }
        let program = super::program_name();
        let mut pids = running(&program)?;
        pids.retain(|pid| pid.to_string().starts_with(start));
        return if pids.is_empty() {
            Err(SendError::Nobody(program))
        } else {
            Ok(pids)
        };
    }
    // Zero and negative numbers would mean groups of processes.
    match text.parse::<i32>() {
        Ok(pid) if pid > 0 => Ok(vec![pid]),
        _ => Err(SendError::BadProcess(given.to_owned())),
    }
}

fn the_only_one() -> Result<Vec<i32>, SendError> {
    let program = super::program_name();
    let pids = running(&program)?;
    match pids.len() {
        0 => Err(SendError::Nobody(program)),
        1 => Ok(pids),
        _ => Err(SendError::Several { program, pids }),
    }
}

/// The other processes of that name.
fn running(program: &str) -> Result<Vec<i32>, SendError> {
    /// The kernel keeps this much of a name.
    const KEPT: usize = 15;
    let mut name = program.to_owned();
    while name.len() > KEPT {
        name.pop();
    }
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let mut pids = named(&name).map_err(SendError::Search)?;
    pids.retain(|pid| *pid != own);
    Ok(pids)
}

/// Processes by the name that the kernel keeps of each; containers often have no program that knows.
#[cfg(target_os = "linux")]
fn named(name: &str) -> io::Result<Vec<i32>> {
    let mut pids: Vec<i32> = std::fs::read_dir("/proc")?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let pid = entry.file_name().to_str()?.parse().ok()?;
            // One that has ended meanwhile is none.
            let known = std::fs::read(entry.path().join("comm")).ok()?;
            (known.trim_ascii_end() == name.as_bytes()).then_some(pid)
        })
        .collect();
    pids.sort_unstable();
    Ok(pids)
}

#[cfg(not(target_os = "linux"))]
fn named(name: &str) -> io::Result<Vec<i32>> {
    let output = std::process::Command::new("pgrep")
        .args(["-x", "--", name])
        .output()?;
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.parse().ok())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_meant() {
        assert_eq!(processes(Some("4711")).unwrap(), [4711]);
        for bad in ["", "0", "-1", "x", "1x*", "99999999999", "/nonexistent/file.pid"] {
            assert!(
                matches!(processes(Some(bad)), Err(SendError::BadProcess(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_file_may_hold_the_process_id() {
        let path = std::env::temp_dir().join(format!("vagus-{}-signal.pid", std::process::id()));
        super::super::pid_file::write(&path).unwrap();
        let found = processes(path.to_str());
        std::fs::remove_file(&path).unwrap();
        assert_eq!(found.unwrap(), [i32::try_from(std::process::id()).unwrap()]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn processes_are_found_by_their_name() {
        let own = i32::try_from(std::process::id()).unwrap();
        let name = std::fs::read_to_string("/proc/self/comm").unwrap();
        assert!(named(name.trim_end()).unwrap().contains(&own));
        assert!(!running(name.trim_end()).unwrap().contains(&own));
        assert_eq!(named("of no process").unwrap(), Vec::<i32>::new());
    }
}
