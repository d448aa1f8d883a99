//! How a server is set for an attack.

use super::callout::{NEWCOMER, Service};
use super::client::CONNECT;
use super::resolver::{HttpResolver, answer_in_system_account};
use super::tokens::{Tokens, presenting};
use crate::error::BenchError;
use crate::server::{RunningServer, ServerProgram, free_port};
use crate::setup::Prepared;

/// A hash of "a good password", at nats-server's usual cost.
const HASHED: &str = "$2a$11$UuIRfP/HMWcVSPisysMwseiWN5T5D9c6lHD7faSOIHaacthxsIVMC";

/// The accounts of [`Stage::Tenants`].
const TENANTS: &str = "accounts {
    USUAL { users: [{user: usual, password: usual}], exports: [{stream: \"shared.>\"}] }
    TENANT {
        users: [{user: tenant, password: tenant}]
        imports: [{stream: {account: USUAL, subject: \"shared.>\"}, prefix: from}]
    }
}
";

/// How a server is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// As by default.
    Plain,
    /// With monitoring over HTTP.
    Monitored,
    /// Clients may speak TLS, and need not.
    Tls,
    /// Clients have to log in; newcomers do with a password of which the server has a hash.
    Logins,
    /// Clients may publish on one subject and answer requests.
    Responses,
    /// Attackers are in an account of their own, which imports of that of the others.
    Tenants,
    /// Clients present tokens, of an account that an operator has signed.
    Tokens,
    /// The same, and the tokens of accounts are asked for over HTTP; newcomers are of an account each.
    HttpResolver,
    /// The same, and the tokens of accounts are asked for in the system account.
    SystemResolver,
    /// A service says who comes in, but for the usual clients.
    Callout,
    /// Other servers may connect.
    Cluster,
    /// Leaf nodes may connect, of an account of their own.
    Leafs,
    /// Servers of other clusters may connect.
    Gateways,
}

/// A server on a stage.
#[derive(Debug)]
pub struct Staged {
    /// The server.
    pub server: RunningServer,
    /// Where it serves monitoring.
    pub monitoring: Option<u16>,
    /// Where other servers connect: of the cluster, leaf nodes, or of other clusters.
    pub routes: Option<u16>,
    /// What it asks for tokens.
    _resolver: Option<HttpResolver>,
}

impl Stage {
    /// Starts a server that is set so.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(self, program: &ServerProgram) -> Result<Staged, BenchError> {
        let port = free_port()?;
        let mut prepared = Prepared::new(port)?;
        let (mut monitoring, mut routes, mut resolver, mut service) = (None, None, None, None);
        let text = match self {
            Self::Plain => String::new(),
            Self::Monitored => {
                let port = free_port()?;
                monitoring = Some(port);
                format!("http: \"127.0.0.1:{port}\"\n")
            }
            Self::Tls => {
                let (certificate, key) = prepared.certificate()?;
                format!(
                    "tls {{ cert_file: {certificate:?}, key_file: {key:?}, timeout: 10 }}\nallow_non_tls: true\n"
                )
            }
            Self::Logins => format!(
                "authorization {{ timeout: 20, users: [ {{ user: usual, password: usual }}, {{ user: newcomer, \
                 password: {HASHED:?} }} ] }}\n"
            ),
            Self::Responses => "authorization { users: [ { user: usual, password: usual, permissions: { publish: [requests, \
                                \"probe.>\"], subscribe: \">\", allow_responses: { max: 10, expires: \"10m\" } } } ] }\n"
                .to_owned(),
            Self::Tenants => TENANTS.to_owned(),
            Self::Tokens | Self::SystemResolver => {
                let folder = prepared.folder("tokens")?;
                let tokens = Tokens::of_this_run()?;
                let [(one, one_token), (other, other_token)] = &tokens.accounts;
                let preloaded = format!("resolver_preload {{ {one}: {one_token}, {other}: {other_token} }}\n");
                operated(tokens, &format!("{{ type: full, dir: {folder:?} }}")) + &preloaded
            }
            Self::HttpResolver => {
                let tokens = Tokens::of_this_run()?;
                let started = HttpResolver::start(tokens)?;
                let text = operated(tokens, &format!(": URL({})", started.url()));
                resolver = Some(started);
                text
            }
            Self::Callout => {
                let asked = Service::new()?;
                let text = asked.configuration();
                service = Some(asked);
                text
            }
            Self::Cluster => {
                let port = free_port()?;
                routes = Some(port);
                format!("cluster {{ name: attacked, listen: \"127.0.0.1:{port}\" }}\n")
            }
            Self::Gateways => {
                let port = free_port()?;
                routes = Some(port);
                format!("gateway {{ name: attacked, listen: \"127.0.0.1:{port}\" }}\n")
            }
            Self::Leafs => {
                let port = free_port()?;
                routes = Some(port);
                format!(
                    "{TENANTS}leafnodes {{ listen: \"127.0.0.1:{port}\", authorization {{ timeout: 20, users: [ \
                     {{ user: tenant, password: tenant, account: TENANT }} ] }} }}\n"
                )
            }
        };
        let path = prepared.file("server.conf", text.as_bytes())?;
        prepared.arguments = vec!["-c".to_owned(), path];
        let server = program.start_prepared(port, Some(prepared))?;
        if self == Self::SystemResolver {
            answer_in_system_account(port, Tokens::of_this_run()?)?;
        }
        if let Some(service) = service {
            service.begin(port)?;
        }
        Ok(Staged {
            server,
            monitoring,
            routes,
            _resolver: resolver,
        })
    }

    /// What the usual clients say to connect.
    pub fn connect(self) -> String {
        match self {
            Self::Logins | Self::Responses | Self::Tenants | Self::Callout | Self::Leafs => {
                as_user("usual", "usual")
            }
            // That there are tokens was seen to when the server was started.
            Self::Tokens | Self::HttpResolver | Self::SystemResolver => {
                Tokens::of_this_run().map_or_else(|_| CONNECT.to_owned(), |it| presenting(&it.user))
            }
            Self::Plain | Self::Monitored | Self::Tls | Self::Cluster | Self::Gateways => CONNECT.to_owned(),
        }
    }

    /// What attackers say to connect, where they are let in.
    pub fn connect_attacker(self) -> String {
        match self {
            Self::Tenants => as_user("tenant", "tenant"),
            other => other.connect(),
        }
    }

    /// What newcomers say to connect.
    pub fn connect_anew(self) -> String {
        match self {
            Self::Logins => as_user("newcomer", "a good password"),
            Self::Callout => as_user(NEWCOMER, "p"),
            Self::HttpResolver | Self::SystemResolver => Tokens::of_this_run()
                .and_then(Tokens::newcomer)
                .unwrap_or_else(|_| CONNECT.to_owned()),
            other => other.connect(),
        }
    }
}

/// The configuration of a server whose accounts an operator has signed.
fn operated(Tokens { operator, system, .. }: &Tokens, resolver: &str) -> String {
    format!("operator: {operator}\nsystem_account: {system}\nresolver {resolver}\n")
}

/// CONNECT with a name and a password.
pub fn as_user(user: &str, password: &str) -> String {
    let start = CONNECT.trim_end_matches('}');
    format!("{start},\"user\":{user:?},\"pass\":{password:?}}}")
}
