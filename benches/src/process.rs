//! What the kernel knows about the server under test, from `/proc`.

use std::fs;

use crate::error::{BenchError, Doing};

/// Ticks of `/proc/PID/stat` in a second; fixed for user space on Linux.
const TICKS_PER_SECOND: u64 = 100;

/// CPU time of a process so far, counted in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuTime {
    /// Sum over the living threads, exact to the nanosecond; forgets threads that ended.
    pub living_threads_ns: u64,
    /// Of the whole process, in steps of 10 ms; remembers threads that ended.
    pub whole_process_ns: u64,
}

impl CpuTime {
    /// Reads the counters of a running process.
    pub fn of(pid: u32) -> Result<Self, BenchError> {
        let folder = format!("/proc/{pid}/task");
        let mut living_threads_ns = 0;
        for entry in fs::read_dir(&folder).doing(|| format!("listing {folder}"))? {
            let path = entry
                .doing(|| format!("listing {folder}"))?
                .path()
                .join("schedstat");
            // A thread may end between listing and reading; the other counter remembers it.
            if let Ok(text) = fs::read_to_string(path) {
                living_threads_ns += on_cpu(&text).ok_or_else(|| not_understood("schedstat", &text))?;
            }
        }
        let path = format!("/proc/{pid}/stat");
        let text = fs::read_to_string(&path).doing(|| format!("reading {path}"))?;
        let ticks = user_and_system_ticks(&text).ok_or_else(|| not_understood("stat", &text))?;
        Ok(Self {
            living_threads_ns,
            whole_process_ns: ticks * (1_000_000_000 / TICKS_PER_SECOND),
        })
    }

    /// CPU nanoseconds between `earlier` and this reading. The exact counter, unless it missed time of
    /// threads that ended: more than the other one's rounding.
    pub fn since(self, earlier: Self) -> u64 {
        let exact = self.living_threads_ns.saturating_sub(earlier.living_threads_ns);
        let coarse = self.whole_process_ns.saturating_sub(earlier.whole_process_ns);
        let rounding = 3 * 1_000_000_000 / TICKS_PER_SECOND;
        if coarse > exact + rounding { coarse } else { exact }
    }
}

/// Resident memory of a process now, bytes.
pub fn resident_bytes(pid: u32) -> Result<u64, BenchError> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).doing(|| format!("reading {path}"))?;
    status_bytes(&text, "VmRSS:").ok_or_else(|| not_understood("status", &text))
}

fn not_understood(what: &str, text: &str) -> BenchError {
    BenchError::Proc {
        what: what.to_owned(),
        text: text.to_owned(),
    }
}

/// First field of a `schedstat` file: nanoseconds on a CPU.
fn on_cpu(schedstat: &str) -> Option<u64> {
    schedstat.split_ascii_whitespace().next()?.parse().ok()
}

/// User and system time of a `stat` file, ticks. The name, in parentheses, may hold anything.
fn user_and_system_ticks(stat: &str) -> Option<u64> {
    let after_name = &stat[stat.rfind(')')? + 1..];
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// A line of a `status` file that counts in kB, as bytes.
fn status_bytes(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedstat_starts_with_time_on_cpu() {
        assert_eq!(on_cpu("1234567890 42 7\n"), Some(1_234_567_890));
        assert_eq!(on_cpu(""), None);
        assert_eq!(on_cpu("x 1 2"), None);
    }

    #[test]
    fn stat_survives_a_hostile_name() {
        let stat = "77 (a) R 1 2 (b) S 1 77 77 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 4 0 100 1 1";
        assert_eq!(user_and_system_ticks(stat), Some(300));
        assert_eq!(user_and_system_ticks("77 (a) S 1"), None);
    }

    #[test]
    fn status_counts_in_kilobytes() {
        let status = "Name:\tserver\nVmHWM:\t    900 kB\nVmRSS:\t    812 kB\n";
        assert_eq!(status_bytes(status, "VmRSS:"), Some(812 * 1024));
        assert_eq!(status_bytes(status, "VmSwap:"), None);
    }

    #[test]
    fn time_of_ended_threads_is_not_lost() {
        let at = |living_threads_ns, whole_process_ns| CpuTime {
            living_threads_ns,
            whole_process_ns,
        };
        assert_eq!(at(1_500, 10_000_000).since(at(500, 0)), 1_000);
        assert_eq!(at(100, 900_000_000).since(at(500, 100_000_000)), 800_000_000);
    }

    #[test]
    fn this_process_has_used_cpu_and_memory() {
        let pid = std::process::id();
        assert!(CpuTime::of(pid).unwrap().living_threads_ns > 0);
        assert!(resident_bytes(pid).unwrap() > 100_000);
    }
}
