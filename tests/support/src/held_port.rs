use socket2::{Domain, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr};
use vagus_configs::Port;

/// A port of 127.0.0.1 that is given to nobody else while this is there: not to who asks for any, nor to who connects. A
/// server that is told to listen there can, again and again; until one does, who connects is refused.
#[derive(Debug)]
pub struct HeldPort(Socket);

impl HeldPort {
    /// Any that is free.
    #[allow(clippy::new_without_default)] // It is different each time.
    pub fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("there are sockets");
        // It is bound and does not listen, which has others listen that share the address on purpose.
        socket.set_reuse_address(true).expect("addresses can be shared");
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        socket.bind(&any.into()).expect("there are free ports");
        Self(socket)
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        let address = self.0.local_addr().ok();
        let address = address.and_then(|address| address.as_socket());
        address.expect("it is bound")
    }

    /// To have a server listen there.
    pub fn fixed(&self) -> Port {
        Port::Fixed(self.address().port())
    }
}

#[cfg(test)]
mod tests {
    use super::HeldPort;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn whoever_is_told_to_listens_there_and_nobody_else() {
        let held = HeldPort::new();
        let refused = TcpStream::connect(held.address()).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        for _ in 0..3 {
            let listener = TcpListener::bind(held.address()).unwrap();
            let near = TcpStream::connect(held.address()).unwrap();
            let (far, _) = listener.accept().unwrap();
            // The side that closes first waits for stragglers.
            drop((far, listener));
            drop(near);
        }
        // As many as there could be of those who ask for any.
        let others: Vec<TcpListener> = (0..500)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
            .collect();
        let port = held.address().port();
        assert!(
            others
                .iter()
                .all(|other| other.local_addr().unwrap().port() != port)
        );
    }
}
