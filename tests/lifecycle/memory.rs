//! The program gives memory back that it does not use any more.

use std::process::Command;

/// How soon is compiled in. A server that is built otherwise would keep what attackers made it take.
#[test]
fn is_given_back_a_second_later_though_nothing_happens() {
    let shown = Command::new(env!("CARGO_BIN_EXE_vagus"))
        .arg("--version")
        .env("_RJEM_MALLOC_CONF", "confirm_conf:true")
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stderr).unwrap();
    for setting in [
        "background_thread:true",
        "dirty_decay_ms:1000",
        "muzzy_decay_ms:0",
    ] {
        let set = format!("<jemalloc>: -- Set conf value: {setting}\n");
        assert!(shown.contains(&set), "{shown}");
    }
}
