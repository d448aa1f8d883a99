//! Sockets that listen, and the ports they were given.

use super::gateways::with_gateway_port;
use super::leafnodes::with_leaf_port;
use super::websocket::with_port;
use crate::admin::Admin;
use crate::server::StartError;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use vagus_configs::{Config, Listen, Port};

/// How many accepted connections may wait for us; the system has a bound of its own.
const BACKLOG: i32 = 4096;

/// A socket that listens. A host that names all addresses means those of IPv4 and IPv6.
pub(crate) fn listen(listen: &Listen) -> Result<TcpListener, StartError> {
    let port = listen.port.to_bind();
    let failed = |source| StartError::Listen {
        address: match listen.host.parse::<Ipv6Addr>() {
            Ok(host) => format!("[{host}]:{port}"),
            Err(_) => format!("{}:{port}", listen.host),
        },
        source,
    };
    let address = resolve(&listen.host, port).map_err(failed)?;
    if address.ip().is_unspecified() {
        let all = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        match bind(all) {
            Ok(socket) => return Ok(socket),
            Err(error) if address.is_ipv6() || error.kind() == io::ErrorKind::AddrInUse => {
                return Err(failed(error));
            }
            // The machine has no IPv6.
            Err(_) => {}
        }
    }
    bind(address).map_err(failed)
}

fn resolve(host: &str, port: u16) -> io::Result<SocketAddr> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(SocketAddr::from((ip, port)));
    }
    let mut addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    // As Go does: a name that has both means the IPv4 address.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses
        .first()
        .copied()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host has no address"))
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// How the server is set, with the ports that it was given where it asked for any.
pub(super) fn with_ports(
    config: &Config,
    (clients, websocket, routes): (SocketAddr, Option<SocketAddr>, Option<SocketAddr>),
    (leafnodes, gateway): (Option<SocketAddr>, Option<SocketAddr>),
    admin: &Admin,
) -> Config {
    let mut config = config.clone();
    with_port(&mut config, websocket);
    with_leaf_port(&mut config, leafnodes);
    with_gateway_port(&mut config, gateway);
    let fixed = |address: SocketAddr| Port::Fixed(address.port());
    config.clients.listen.port = fixed(clients);
    if let (Some(cluster), Some(address)) = (&mut config.cluster, routes) {
        cluster.listener.listen.port = fixed(address);
    }
    let (http, https) = admin.monitoring_addresses();
    config.monitoring.http = http.map(fixed);
    config.monitoring.https = https.map(fixed);
    if let (Some(service), Some(address)) = (&mut config.admin, admin.service.address) {
        service.listen.port = fixed(address);
    }
    config
}
