//! `vagus mapping` says what a mapping does, without a server.

use std::process::Command;

#[test]
fn mappings_are_tried_on_the_command_line() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_vagus"))
            .arg("mapping")
            .args(arguments)
            .output()
            .unwrap();
        let [out, error] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code(), out, error)
    };
    let (status, out, error) = run(&[
        "orders.*",
        "by.{{partition(10,1)}}.$1",
        "orders.foo",
        "orders.baz",
    ]);
    assert_eq!((status, &*out, &*error), (Some(0), "by.3.foo\nby.0.baz\n", ""));
    let (status, out, error) = run(&["orders.*", "by.$2", "orders.foo"]);
    assert_eq!((status, &*out), (Some(1), ""));
    assert!(error.contains("invalid mapping destination: wildcard index out of range in $2: [2]"));
    let (status, ..) = run(&["orders.*"]);
    assert_eq!(status, Some(2));
}
