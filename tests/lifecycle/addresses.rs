//! Where a server listens: on one address, or on all of both families.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use vagus_test_support::{Client, TestServer, server};

fn port(server: &TestServer) -> u16 {
    server.client_address().port()
}

/// Some machines have no IPv6: then there is nothing to test, and the test says so.
fn has_ipv6() -> bool {
    let has = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    if !has {
        eprintln!("this machine has no IPv6");
    }
    has
}

fn works(address: SocketAddr) -> Client {
    let mut client = Client::to(address).connect(r#"{"verbose":false}"#);
    client.send("SUB a 1\r\nPUB a 2\r\nhi\r\nPING");
    client.expect("MSG a 1 2\r\nhi\r\nPONG");
    client
}

#[test]
fn only_ipv6() {
    if !has_ipv6() {
        return;
    }
    let server = server().host("::1").start();
    let address = SocketAddr::from((Ipv6Addr::LOCALHOST, port(&server)));
    assert_eq!(server.client_address(), address);
    let client = works(address);
    assert!(
        client.info().contains(r#""client_ip":"::1""#),
        "{}",
        client.info()
    );
    assert!(client.info().contains(r#""host":"::1""#), "{}", client.info());
    assert!(server.connections()[0].peer.is_ipv6());
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port(&server))).is_err());
}

/// Both ways of saying "all addresses" mean those of both families; a peer over IPv4 is shown as such.
#[test]
fn all_addresses() {
    for host in ["0.0.0.0", "::"] {
        let server = server().host(host).start();
        let ipv4 = works(SocketAddr::from((Ipv4Addr::LOCALHOST, port(&server))));
        assert!(
            ipv4.info().contains(r#""client_ip":"127.0.0.1""#),
            "{}",
            ipv4.info()
        );
        assert!(
            ipv4.info().contains(&format!(r#""host":"{host}""#)),
            "{}",
            ipv4.info()
        );
        assert!(
            server.connections()[0].peer.is_ipv4(),
            "{:?}",
            server.connections()
        );
        if has_ipv6() {
            let ipv6 = works(SocketAddr::from((Ipv6Addr::LOCALHOST, port(&server))));
            assert!(ipv6.info().contains(r#""client_ip":"::1""#), "{}", ipv6.info());
            assert!(server.connections()[1].peer.is_ipv6());
        }
    }
}

#[test]
fn only_ipv4() {
    let server = server().start();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port(&server)));
    assert_eq!(server.client_address(), address);
    works(address);
    if has_ipv6() {
        assert!(TcpStream::connect((Ipv6Addr::LOCALHOST, port(&server))).is_err());
    }
}
