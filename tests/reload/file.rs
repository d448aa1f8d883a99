//! A server process with a configuration file that can be written anew.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use vagus_test_support::{Client, Process, spawn_binary};

/// The process, and the folder of its file, which goes with it.
pub(crate) struct Configured {
    pub(crate) process: Process,
    folder: PathBuf,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Configured {
    /// Starts it with this text, on a free port of 127.0.0.1, and waits until it is ready.
    pub(crate) fn start(text: &str) -> Self {
        Self::start_with(text, &[])
    }

    pub(crate) fn start_with(text: &str, flags: &[&str]) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("vagus-reload-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("server.conf"), text).unwrap();
        let file = folder.join("server.conf");
        let mut arguments = vec!["-a", "127.0.0.1", "-p", "-1", "-c", file.to_str().unwrap()];
        arguments.extend_from_slice(flags);
        let mut process = Process::spawn(env!("CARGO_BIN_EXE_vagus"), &arguments);
        process.client_address();
        Self { process, folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("server.conf")
    }

    pub(crate) fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    pub(crate) fn hang_up(&self) {
        let pid = Pid::from_raw(self.process.id().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::HUP).unwrap();
    }

    /// Writes the file anew, and waits until that is in force as this version.
    pub(crate) fn reload(&mut self, text: &str, version: u64) {
        self.write(text);
        self.hang_up();
        self.process.log_line(&format!(", version {version}"));
        self.process.log_line("Reloaded server configuration");
    }

    /// Sends the signal as operators do; the exit status, and what it says.
    pub(crate) fn command(&self) -> (Option<i32>, String) {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_vagus"))
            .args(["--signal", &format!("reload={}", self.process.id())])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), said)
    }

    pub(crate) fn client(&mut self) -> Client {
        self.process.client()
    }
}

impl Drop for Configured {
    fn drop(&mut self) {
        // Whatever stays is in a folder for what is temporary.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Without a file: what can be said to that.
#[test]
fn without_a_file_there_is_nothing_to_read() {
    let mut process = spawn_binary!("-a", "127.0.0.1", "-p", "-1");
    process.client_address();
    let pid = Pid::from_raw(process.id().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::HUP).unwrap();
    process.log_line(
        "[ERR] Failed to reload server configuration: can only reload config when a file is provided",
    );
}
