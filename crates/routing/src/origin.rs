//! Who published a message, and which destinations it may reach for that reason.

use crate::subscription::{Destination, Subscription};
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// The number of no connection: they count from 1.
const NOBODY: u64 = 0;

/// The number of an account, unique for the life of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(pub u32);

/// A cluster of leaf nodes, by the hash of its name. What one of its servers sends is not sent to the others by anybody else:
/// they have it by routes of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafCluster(u64);

impl LeafCluster {
    /// No cluster.
    pub const NONE: Self = Self(0);

    /// How servers call it to each other that leaf nodes are of no cluster. No cluster has this name.
    pub const NO_NAME: &[u8] = b"_";

    /// That of this name; none without one. Its hash is by a key of this process, so that nobody can choose names that are
    /// taken for each other.
    pub fn named(name: &[u8]) -> Self {
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        match name {
            b"" | Self::NO_NAME => Self::NONE,
            name => Self(KEY.hash_one(name).max(1)),
        }
    }
}

/// What a server is told of what leaf nodes want that are linked to this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToldOfLeafNodes {
    /// It, as if it were this server's own.
    #[default]
    AsOwn,
    /// Nothing: the server is a leaf node or a hub, and its link is isolated.
    Nothing,
    /// What each cluster of them wants, by its name; what those want that are of none, as if it were this server's own.
    ByCluster,
    /// The same, and apart what those want that are of none.
    Apart,
}

/// What is at the other end of a connection, or in the place of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ConnectionKind {
    /// A client, whatever its language.
    Client,
    /// A part of this server that publishes and subscribes: for a request over HTTP, for another system.
    Service,
    /// A stream, which keeps what is delivered to it.
    Stream,
    /// Another server of this server's cluster.
    Route,
    /// A server of another cluster.
    Gateway,
    /// A leaf node: a server that connected itself to this one, its hub.
    LeafNode,
    /// The hub that this server connected itself to, as a leaf node.
    Hub,
}

impl ConnectionKind {
    const ALL: [Self; 7] = [
        Self::Client,
        Self::Service,
        Self::Stream,
        Self::Route,
        Self::Gateway,
        Self::LeafNode,
        Self::Hub,
    ];

    /// Its number, of which [`Self::from_number`] makes it again.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Of a number that [`Self::number`] has given.
    pub fn from_number(number: u8) -> Self {
        Self::ALL
            .get(usize::from(number))
            .copied()
            .unwrap_or(Self::Client)
    }

    /// Whether it is one end of a link between a leaf node and its hub.
    pub fn is_leaf_link(self) -> bool {
        matches!(self, Self::LeafNode | Self::Hub)
    }

    /// Whether it is another server, which serves clients of its own.
    pub fn is_server(self) -> bool {
        matches!(self, Self::Route | Self::Gateway | Self::LeafNode | Self::Hub)
    }

    /// Whether a message that came from one of this kind may go to another of that kind.
    ///
    /// Every server of a cluster has a route to every other, and a connection of its own to what the cluster is
    /// connected to beyond: gateways, and the hub if it is a cluster of leaf nodes. So who takes a message from one of
    /// its clients reaches all of them, and nobody passes on what came over a route but to clients and leaf nodes of its
    /// own. What comes from another cluster comes to one server, which passes it on to its own; what comes from the hub
    /// comes to each. Two hubs of one leaf node are not joined by it.
    pub fn reaches(self, target: Self) -> bool {
        match self {
            Self::Client | Self::Service | Self::Stream | Self::LeafNode => true,
            Self::Route => !matches!(target, Self::Route | Self::Gateway | Self::Hub),
            Self::Gateway => target != Self::Gateway,
            Self::Hub => !matches!(target, Self::Route | Self::Hub),
        }
    }

    /// How far off a member of a queue group is: only where none that is nearer takes a message those further off are
    /// asked. The members of one cluster are as near as each other.
    pub fn distance(self) -> u8 {
        match self {
            Self::Client | Self::Service | Self::Stream | Self::Route => 0,
            Self::LeafNode | Self::Hub => 1,
            Self::Gateway => 2,
        }
    }
}

/// Who published a message. With interest, this decides which destinations it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    connection: u64,
    account: AccountId,
    kind: ConnectionKind,
    echo: bool,
    crossed: bool,
    cluster: LeafCluster,
    told_of_leaf_nodes: ToldOfLeafNodes,
    home: bool,
}

impl Origin {
    /// A client, which gets its own messages if it wants an `echo`.
    pub fn client(connection: u64, account: AccountId, echo: bool) -> Self {
        Self {
            connection,
            account,
            kind: ConnectionKind::Client,
            echo,
            crossed: false,
            cluster: LeafCluster::NONE,
            told_of_leaf_nodes: ToldOfLeafNodes::AsOwn,
            home: false,
        }
    }

    /// One of any kind. Nothing of what it publishes is delivered to itself: a stream does not feed itself, another server
    /// does not get back what it sent.
    pub fn without_echo(connection: u64, account: AccountId, kind: ConnectionKind) -> Self {
        Self {
            connection,
            account,
            kind,
            echo: false,
            crossed: false,
            cluster: LeafCluster::NONE,
            told_of_leaf_nodes: ToldOfLeafNodes::AsOwn,
            home: false,
        }
    }

    /// One of the same kind that nobody is, and that is of no cluster of leaf nodes: nothing is left out for it.
    #[must_use]
    pub fn of_no_side(self) -> Self {
        Self {
            connection: NOBODY,
            cluster: LeafCluster::NONE,
            ..self
        }
    }

    /// This server, which says something of its own to everybody who is interested.
    pub fn server(account: AccountId) -> Self {
        Self {
            connection: NOBODY,
            account,
            kind: ConnectionKind::Service,
            echo: true,
            crossed: false,
            cluster: LeafCluster::NONE,
            told_of_leaf_nodes: ToldOfLeafNodes::AsOwn,
            home: false,
        }
    }

    /// The same, of a server of this cluster of leaf nodes.
    #[must_use]
    pub fn from_cluster(self, cluster: LeafCluster) -> Self {
        Self { cluster, ..self }
    }

    /// The same, of a server that is told this of what leaf nodes want.
    #[must_use]
    pub fn told_of_leaf_nodes(self, told_of_leaf_nodes: ToldOfLeafNodes) -> Self {
        Self {
            told_of_leaf_nodes,
            ..self
        }
    }

    /// The same, of a message that has found back to where it was waited for: from here it goes on as if it had been
    /// published here.
    #[must_use]
    pub fn coming_home(self) -> Self {
        Self { home: true, ..self }
    }

    /// The cluster of leaf nodes that it comes from, if it does.
    pub fn leaf_cluster(&self) -> LeafCluster {
        self.cluster
    }

    /// What it is told of what leaf nodes want.
    pub fn is_told_of_leaf_nodes(&self) -> ToldOfLeafNodes {
        self.told_of_leaf_nodes
    }

    /// Whether what leaf nodes of this cluster want is told to it apart from what this server wants.
    pub fn tells_apart(&self, cluster: LeafCluster) -> bool {
        match self.told_of_leaf_nodes {
            ToldOfLeafNodes::AsOwn | ToldOfLeafNodes::Nothing => false,
            ToldOfLeafNodes::ByCluster => cluster != LeafCluster::NONE,
            ToldOfLeafNodes::Apart => true,
        }
    }

    /// The same, for what goes on in another account as a request or an answer.
    #[must_use]
    pub fn crossing_into(self, account: AccountId) -> Self {
        Self {
            account,
            crossed: true,
            ..self
        }
    }

    /// Whether the message came from another account, as a request or an answer. Such are not passed on to accounts that
    /// import a stream.
    #[inline]
    pub fn has_crossed(&self) -> bool {
        self.crossed
    }

    /// The account whose subscriptions it reaches.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// What published it.
    pub fn kind(&self) -> ConnectionKind {
        self.kind
    }

    /// The connection that gets nothing of what it published; none if it wants an echo.
    #[inline]
    pub fn left_out(&self) -> Option<u64> {
        (!self.echo).then_some(self.connection)
    }

    /// Whether its messages may be delivered there, if there is interest. The only place where that is decided.
    #[inline]
    pub fn reaches(&self, target: &impl Destination) -> bool {
        match target.connection_id() == self.connection {
            true => self.echo,
            false => self.reaching_as().reaches(target.kind()) && !self.is_of_cluster_of(target),
        }
    }
}

impl Origin {
    #[inline]
    fn reaching_as(&self) -> ConnectionKind {
        match self.home {
            true => ConnectionKind::Service,
            false => self.kind,
        }
    }

    /// Whether it comes from the cluster of leaf nodes whose interest a subscription of another server is. Where they are linked
    /// to this one, that is [known](Self::reaches) of the target.
    #[inline]
    pub fn is_from_cluster_of<D: Destination>(&self, subscription: &Subscription<D>) -> bool {
        self.cluster != LeafCluster::NONE
            && subscription.destination().kind() == ConnectionKind::Route
            && subscription.of_leaf_nodes() == Some(self.cluster)
    }

    /// Whether it comes from the cluster of leaf nodes that the target is of.
    #[inline]
    pub fn is_of_cluster_of(&self, target: &impl Destination) -> bool {
        self.cluster != LeafCluster::NONE
            && target.kind().is_leaf_link()
            && self.cluster == target.leaf_cluster()
    }
}

#[cfg(test)]
mod tests {
    use super::ConnectionKind::{Client, Gateway, Hub, LeafNode, Route, Service, Stream};
    use super::{AccountId, ConnectionKind, LeafCluster, Origin};
    use crate::subscription::{Destination, Subscription};
    use crate::testing::End;

    const KINDS: [ConnectionKind; 7] = [Client, Service, Stream, Route, Gateway, LeafNode, Hub];

    /// For each kind of origin the kinds that it reaches, of others and of itself.
    #[test]
    fn who_reaches_whom() {
        let table = [
            ("Client", "Client Service Stream Route Gateway LeafNode Hub"),
            ("Service", "Client Service Stream Route Gateway LeafNode Hub"),
            ("Stream", "Client Service Stream Route Gateway LeafNode Hub"),
            ("Route", "Client Service Stream LeafNode"),
            ("Gateway", "Client Service Stream Route LeafNode Hub"),
            ("LeafNode", "Client Service Stream Route Gateway LeafNode Hub"),
            ("Hub", "Client Service Stream Gateway LeafNode"),
        ];
        for (kind, (name, expected)) in KINDS.into_iter().zip(table) {
            let origin = Origin::without_echo(1, AccountId(0), kind);
            let reached: Vec<String> = KINDS
                .into_iter()
                .filter(|target| origin.reaches(&End(2, *target)))
                .map(|target| format!("{target:?}"))
                .collect();
            assert_eq!(format!("{kind:?}"), name);
            assert_eq!(reached.join(" "), expected, "from {name}");
            assert!(!origin.reaches(&End(1, kind)), "{name} gets its own back");
            assert_eq!(origin.left_out(), Some(1));
        }
    }

    #[test]
    fn what_a_cluster_of_leaf_nodes_sends_is_not_sent_back_to_it() {
        let [one, other] = ["one", "other"].map(|name| LeafCluster::named(name.as_bytes()));
        assert_eq!(LeafCluster::named(b""), LeafCluster::NONE);
        let of = |cluster| Origin::without_echo(1, AccountId(0), Route).from_cluster(cluster);
        let leaf = |cluster| OfCluster(End(2, LeafNode), cluster);
        assert!(!of(one).reaches(&leaf(one)) && of(one).reaches(&leaf(other)));
        assert!(of(LeafCluster::NONE).reaches(&leaf(LeafCluster::NONE)));
        assert!(of(one).reaches(&leaf(LeafCluster::NONE)));
    }

    /// Another server of this one's cluster says whose interest it is.
    #[test]
    fn nor_to_where_else_it_is_linked() {
        let of = |cluster: &[u8]| {
            Origin::without_echo(1, AccountId(0), LeafNode).from_cluster(LeafCluster::named(cluster))
        };
        let behind = |sid: &[u8], kind| Subscription::new(b"a", None, sid, End(2, kind));
        for (cluster, sid, kind, is_it) in [
            ("edge", "edge a", Route, true),
            ("other", "edge a", Route, false),
            ("edge", " a", Route, false),
            ("edge", "_ a", Route, false),
            ("", "_ a", Route, false),
            ("", " a", Route, false),
            ("edge", "edge a", Gateway, false),
            ("edge", "edge a", Client, false),
        ] {
            let subscription = behind(sid.as_bytes(), kind);
            let found = of(cluster.as_bytes()).is_from_cluster_of(&subscription);
            assert_eq!(found, is_it, "{cluster} {sid} {kind:?}");
        }
        let known = |sid: &[u8]| behind(sid, Route).of_leaf_nodes();
        assert_eq!(known(b" edge"), None);
        assert_eq!(known(b"_ edge"), Some(LeafCluster::NONE));
        assert_eq!(known(b"edge a q"), Some(LeafCluster::named(b"edge")));
    }

    #[test]
    fn what_leaf_nodes_want_is_told_apart() {
        use super::ToldOfLeafNodes::{Apart, AsOwn, ByCluster, Nothing};
        for (told, of_none, of_one) in [
            (AsOwn, false, false),
            (Nothing, false, false),
            (ByCluster, false, true),
            (Apart, true, true),
        ] {
            let peer = Origin::without_echo(1, AccountId(0), Route).told_of_leaf_nodes(told);
            let apart = [LeafCluster::NONE, LeafCluster::named(b"edge")].map(|it| peer.tells_apart(it));
            assert_eq!(apart, [of_none, of_one], "{told:?}");
        }
    }

    struct OfCluster(End, LeafCluster);

    impl Destination for OfCluster {
        fn connection_id(&self) -> u64 {
            self.0.connection_id()
        }

        fn accepts_headers(&self) -> bool {
            true
        }

        fn kind(&self) -> ConnectionKind {
            self.0.kind()
        }

        fn leaf_cluster(&self) -> LeafCluster {
            self.1
        }
    }

    #[test]
    fn what_has_found_home_reaches_whom_this_server_does() {
        for kind in [Gateway, Route] {
            let home = Origin::without_echo(1, AccountId(0), kind).coming_home();
            assert!(KINDS.into_iter().all(|target| home.reaches(&End(2, target))));
            assert!(!home.reaches(&End(1, kind)) && home.kind() == kind);
        }
    }

    #[test]
    fn kinds_have_numbers() {
        for kind in KINDS {
            assert_eq!(ConnectionKind::from_number(kind.number()), kind);
        }
    }

    #[test]
    fn a_client_may_want_what_it_publishes() {
        for echo in [false, true] {
            let origin = Origin::client(1, AccountId(0), echo);
            assert_eq!(origin.reaches(&End(1, Client)), echo);
            assert!(origin.reaches(&End(2, Client)));
            assert_eq!(origin.left_out(), (!echo).then_some(1));
        }
        let origin = Origin::server(AccountId(3));
        assert!(KINDS.into_iter().all(|kind| origin.reaches(&End(1, kind))));
        assert_eq!((origin.left_out(), origin.account()), (None, AccountId(3)));
    }

    #[test]
    fn members_of_queue_groups_in_the_cluster_come_first() {
        let mut by_distance = KINDS;
        by_distance.sort_by_key(|kind| kind.distance());
        assert_eq!(
            by_distance,
            [Client, Service, Stream, Route, LeafNode, Hub, Gateway]
        );
        assert_eq!(Route.distance(), Client.distance());
        assert!(Hub.distance() < Gateway.distance() && Client.distance() < LeafNode.distance());
        let servers: Vec<_> = KINDS.into_iter().filter(|kind| kind.is_server()).collect();
        assert_eq!(servers, [Route, Gateway, LeafNode, Hub]);
    }
}
