//! What the process uses of the machine.

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The use of processors is measured over at least this long: who asks more often is told the last figure.
const MEASURED_OVER: Duration = Duration::from_secs(1);

/// How much of the processors the process uses, measured from one question to the next.
#[derive(Debug)]
pub struct Usage(Mutex<Measured>);

#[derive(Debug, Clone, Copy)]
struct Measured {
    at: Instant,
    used: Duration,
    percent: f64,
}

impl Default for Usage {
    /// Measures from now on.
    fn default() -> Self {
        Self(Mutex::new(Measured {
            at: Instant::now(),
            used: processor_time(),
            percent: 0.0,
        }))
    }
}

impl Usage {
    /// Hundredths of one core that were in use since the last question; more than 100 with several.
    pub fn percent(&self) -> f64 {
        // Figures are replaced whole: one that panicked left none by halves.
        let mut measured = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = measured.at.elapsed();
        if passed >= MEASURED_OVER {
            let used = processor_time();
            let share = used.saturating_sub(measured.used).as_secs_f64() / passed.as_secs_f64();
            *measured = Measured {
                at: Instant::now(),
                used,
                // One place behind the point, as `ps` shows it.
                percent: (share * 1000.0).round() / 10.0,
            };
        }
        measured.percent
    }
}

/// What all threads of the process have used since its start.
pub fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap_or(0),
        time.tv_nsec.try_into().unwrap_or(0),
    )
}

/// The memory of the process that is in the machine's, in bytes; 0 where the system does not tell.
pub fn resident_bytes() -> u64 {
    std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| resident_pages(&text))
        .map_or(0, |pages| pages.saturating_mul(rustix::param::page_size() as u64))
}

/// How many files and sockets are open; None where the system does not tell.
pub fn open_files() -> Option<usize> {
    // The folder itself is open while it is read.
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1))
}

/// How many files and sockets may be open; None if there is no limit.
pub fn most_open_files() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// The second of the numbers of `statm`.
fn resident_pages(statm: &str) -> Option<u64> {
    statm.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// A thread of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// The number the system gave it.
    pub id: u32,
    /// What it is called.
    pub name: String,
    /// What it does, in the system's words.
    pub state: String,
}

/// The threads of the process, in the order of their numbers; none where the system does not tell.
pub fn threads() -> Vec<Thread> {
    let Ok(folder) = std::fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    let mut threads: Vec<Thread> = folder
        .flatten()
        .filter_map(|entry| thread(&std::fs::read_to_string(entry.path().join("status")).ok()?))
        .collect();
    threads.sort_by_key(|thread| thread.id);
    threads
}

/// What `status` says of a thread.
fn thread(status: &str) -> Option<Thread> {
    let field = |name: &str| {
        let mut lines = status.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(value.trim().to_owned())
    };
    Some(Thread {
        id: field("Pid")?.parse().ok()?,
        name: field("Name")?,
        state: field("State")?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Usage, resident_bytes, resident_pages, thread, threads};

    #[test]
    fn threads_say_what_they_do() {
        let one = thread("Name:\tvagus\nUmask:\t0022\nState:\tS (sleeping)\nPid:\t7\n").unwrap();
        assert_eq!((one.id, &*one.name, &*one.state), (7, "vagus", "S (sleeping)"));
        assert_eq!(thread("Name:\tvagus\n"), None);
        assert!(!threads().is_empty());
    }

    #[test]
    fn resident_memory_is_the_second_number() {
        assert_eq!(resident_pages("1000 250 30 1 0 90 0\n"), Some(250));
        assert_eq!(resident_pages(""), None);
        assert!(resident_bytes() > 100_000, "a test takes more");
    }

    #[test]
    fn nothing_is_measured_at_once() {
        assert!(Usage::default().percent().abs() < f64::EPSILON);
    }
}
