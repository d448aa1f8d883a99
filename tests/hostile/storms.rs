//! Thousands of connections that come and go at any moment of their life.

use std::net::TcpStream;
use std::thread;
use vagus_test_support::{Rng, server};

const CONNECTIONS_EACH: usize = 1_000;

#[test]
fn of_connections() {
    let server = server().arbiters(2).start();
    let mut beside = server.connected();
    beside.subscribe("beside", "1");
    thread::scope(|scope| {
        for thread in 0..4 {
            let server = &server;
            scope.spawn(move || {
                let mut random = Rng::with_seed(thread);
                for number in 0..CONNECTIONS_EACH {
                    if number % 4 == 0 {
                        // Gone before INFO is read, perhaps before it is written.
                        drop(TcpStream::connect(server.client_address()).expect("the server listens"));
                        continue;
                    }
                    let mut client = server.client();
                    let said = [
                        "",
                        "CONN",
                        "CONNECT {}\r\nSUB a.> 1\r\nSUB a.* workers 2\r\n",
                        "SUB a.b 1\r\nPUB a.b 5\r\nhello\r\nPUB a.b 5\r\nhel",
                        "SUB a.b 1\r\nUNSUB 1\r\nSUB a.b workers 1\r\nUNSUB 1 1\r\nPING\r\n",
                        "what?\r\n",
                    ];
                    client.try_send_bytes(random.choice(&said).unwrap().as_bytes());
                    match random.usize(..3) {
                        0 => client.break_off(),
                        1 => client.end(),
                        _ => {}
                    }
                }
            });
        }
        for number in 0..200 {
            let number = number.to_string();
            beside.publish("beside", number.as_bytes());
            assert_eq!(beside.message().text(), number);
        }
    });
    server.expect_to_serve();
    drop(beside);
    server.expect_nothing_left();
    let monitor = server.monitor().unwrap();
    assert_eq!(monitor.closed.values().sum::<u64>(), monitor.total_connections);
    assert_eq!(
        server.listener().unwrap().accepted,
        4 * CONNECTIONS_EACH as u64 + 3
    );
}
