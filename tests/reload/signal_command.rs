//! `--signal reload` says whether the configuration was reloaded.

use crate::file::Configured;

#[test]
fn it_fails_where_the_server_refuses() {
    let mut server = Configured::start("max_payload: 1024\n");
    server.write("max_payload: 2048\n");
    assert_eq!(server.command(), (Some(0), String::new()));
    assert!(server.client().info().contains(r#""max_payload":2048"#));
    server.write("max_payload: 4096\ncolour: blue\n");
    let (code, said) = server.command();
    assert_eq!(code, Some(1));
    assert!(
        said.contains("server.conf:2:1: unknown field \"colour\""),
        "{said}"
    );
    assert!(server.client().info().contains(r#""max_payload":2048"#));
    server.process.log_line("Failed to reload server configuration: ");
}
