//! The page and its files are there, on both ports; a browser looks at it in `tests/page`.

use crate::{open, with};
use vagus_test_support::{http, server};

#[test]
fn both_ports_have_it() {
    let server = server().monitoring().set(with(open())).start();
    for address in [server.admin_address().unwrap(), server.monitor_address().unwrap()] {
        let index = http(address, "GET", "/", &[]);
        assert_eq!(index.header("content-type"), "text/html; charset=utf-8");
        assert!(
            index
                .header("content-security-policy")
                .contains("script-src 'self'")
        );
        let files = index.body.split('"').filter(|text| text.starts_with("page/"));
        let mut count = 0;
        for file in files {
            assert_eq!(
                http(address, "GET", &format!("/{file}"), &[]).status,
                200,
                "{file}"
            );
            count += 1;
        }
        assert!(count >= 3, "{count}");
        assert_eq!(http(address, "HEAD", "/", &[]).status, 200);
    }
}

#[test]
fn it_is_below_the_base_path_of_monitoring() {
    let server = server().monitoring().http_base_path("nats").start();
    assert_eq!(
        server.get("/nats/").header("content-type"),
        "text/html; charset=utf-8"
    );
    assert_eq!(server.get("/nats/page/page.css").status, 200);
    assert_eq!(server.get("/nats/v1/session").status, 200);
    assert_eq!(server.get("/").status, 404);
    assert_eq!(server.get("/v1/session").status, 404);
}
