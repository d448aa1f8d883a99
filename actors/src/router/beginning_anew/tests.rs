//! An account that fails, beside others.

mod world;

use crate::router::schedule::Portion;
use vagus_delivery::subscriptions::Change;
use vagus_routing::{ConnectionKind, Destination, Outlet};
use world::{World, is_cut_off};

/// The sid of a subscription over which the Router panics.
const PANICS: &str = "router-panics";

/// The same for one over which it panics when it takes it back.
const PANICS_WHEN_SALVAGED: &str = "router-panics-when-salvaged";

/// The same for a service that is imported.
pub(in crate::router) fn panic_if_wanted(change: &Change, making: Option<&Portion>) {
    let Change::Add(subscription) = change else {
        return;
    };
    let is_salvaged = making.is_some_and(|making| making.is_salvaged);
    let wanted = match subscription.destination().outlet() {
        Outlet::Account => subscription.subject() == PANICS.as_bytes(),
        _ => {
            subscription.sid() == PANICS.as_bytes()
                || is_salvaged && subscription.sid() == PANICS_WHEN_SALVAGED.as_bytes()
        }
    };
    assert!(!wanted, "as the test wants it");
}

#[test]
fn an_account_that_fails_pays_with_its_connections_and_begins_anew() {
    World::check(async |world| {
        let [first, second] = [world.join("A").await, world.join("A").await];
        let beside = world.join("B").await;
        let own = [
            first.subscription("x", None, "1"),
            first.subscription("x.*", Some("q"), "2"),
            second.subscription("x", Some("q"), "1"),
        ];
        world.add("A", &own).await;
        world.add("B", &[beside.subscription("x", None, "1")]).await;
        assert_eq!(world.reached("A", "x").len(), 2);
        // It is answered, as is what waits beside it.
        world.add("A", &[second.subscription("y", None, PANICS)]).await;
        world.rest().await;
        assert!(is_cut_off(&first) && is_cut_off(&second));
        assert!(!is_cut_off(&beside));
        assert_eq!(world.reached("A", "x"), [""; 0]);
        assert_eq!(world.reached("B", "x"), ["1"]);
        // Those who come now are served.
        let third = world.join("A").await;
        let again = [
            third.subscription("x", None, "3"),
            third.subscription("x", Some("q"), "4"),
        ];
        world.add("A", &again).await;
        assert_eq!(world.reached("A", "x"), ["3", "4"]);
        // Those who were closed leave, and nothing of them is left.
        world.remove("A", &own).await;
        world.remove("A", &again).await;
        let state = world.state("A").await;
        assert_eq!(
            (
                state.subscriptions,
                state.queue_groups,
                state.settling,
                state.panics
            ),
            (0, 0, 0, 1)
        );
        assert_eq!(world.state("B").await.panics, 0);
    });
}

#[test]
fn it_may_fail_as_often_as_it_likes() {
    World::check(async |world| {
        let beside = world.join("B").await;
        world.add("B", &[beside.subscription("x", None, "1")]).await;
        for round in 1..=20 {
            let member = world.join("A").await;
            let many: Vec<_> = (0..2_000)
                .map(|number| member.subscription(&format!("x.{number}"), None, "1"))
                .chain([member.subscription("y", None, PANICS)])
                .chain((0..2_000).map(|number| member.subscription("z", Some("q"), &number.to_string())))
                .collect();
            world.add("A", &many).await;
            world.rest().await;
            assert!(is_cut_off(&member));
            world.remove("A", &many).await;
            let state = world.state("A").await;
            assert_eq!(
                (state.subscriptions, state.queue_groups, state.panics),
                (0, 0, round)
            );
        }
        assert!(!is_cut_off(&beside));
        assert_eq!(world.reached("B", "x"), ["1"]);
    });
}

/// Routes, the server itself, accounts that import from it and those that it imports from.
#[test]
fn what_others_have_there_stays() {
    World::check(async |world| {
        let member = world.join("A").await;
        let importer = world.join("B").await;
        let route = world.connection(ConnectionKind::Route);
        let own = [
            member.subscription("s", None, "member"),
            member.subscription("s", Some("q"), "member-of-q"),
            // It has a shadow in C.
            member.subscription("c", None, "c"),
        ];
        world.add("A", &own).await;
        world
            .add(
                "B",
                &[
                    importer.subscription("s", None, "importer"),
                    importer.subscription("s", Some("q"), "importer-of-q"),
                ],
            )
            .await;
        let of_route = [
            route.subscription("s", None, "route"),
            route.subscription("s", Some("q"), "route-of-q"),
        ];
        let mut changes: Vec<Change> = of_route.iter().cloned().map(Change::Add).collect();
        changes.push(Change::Weigh(of_route[1].clone(), 3));
        world.announce("A", changes).await;
        let mailbox = world.mailbox();
        let of_server = [
            mailbox.subscription(b"s", None, 7),
            mailbox.subscription(b"s", Some(b"q"), 8),
        ];
        world.add("A", &of_server).await;
        let watcher = world.watch("A").await;
        world.rest().await;
        let before = world.reached("A", "s");
        assert_eq!(
            before,
            [
                "7",
                "8",
                "importer",
                "importer-of-q",
                "member",
                "member-of-q",
                "route",
                "route-of-q",
                "route-of-q",
                "route-of-q"
            ]
        );
        assert_eq!(world.reached("C", "c"), ["c"]);
        assert_eq!(watcher.knows("c"), Some(1));
        let (ways, services) = (world.ways("A"), world.state("A").await.services);
        // One of them is of answers.
        assert_eq!((services, ways), (1, 2));

        world.add("A", &[member.subscription("y", None, PANICS)]).await;
        world.rest().await;
        assert!(is_cut_off(&member) && !is_cut_off(&importer) && !is_cut_off(&route));
        let stays: Vec<_> = before
            .into_iter()
            .filter(|sid| !sid.starts_with("member"))
            .collect();
        assert_eq!(world.reached("A", "s"), stays);
        assert_eq!(world.reached("C", "c"), [""; 0]);
        assert_eq!(watcher.knows("c"), None, "peers are told");
        assert_eq!(watcher.knows("s"), Some(1), "for the importer and the server");
        assert_eq!(
            (world.ways("A"), world.state("A").await.services),
            (ways, services)
        );

        // What there is can be changed as before, and what comes has its shadows.
        let newcomer = world.join("A").await;
        world.add("A", &[newcomer.subscription("c", None, "again")]).await;
        assert_eq!(world.reached("C", "c"), ["again"]);
        world.remove("A", &own).await;
        world.remove("A", &of_route).await;
        world.remove("A", &of_server).await;
        assert_eq!(world.reached("A", "s"), ["importer", "importer-of-q"]);
        assert_eq!(world.state("A").await.queue_groups, 1);
    });
}

/// Of what they wanted other servers were told apart.
#[test]
fn servers_are_told_that_leaf_nodes_have_gone() {
    World::check(async |world| {
        let watcher = world.watch("A").await;
        let leaf_node = world.link("A", "edge").await;
        let own = [leaf_node.subscription("s", None, "s")];
        world.add("A", &own).await;
        world.rest().await;
        assert_eq!((watcher.knows("edge s"), watcher.knows("s")), (Some(1), None));
        let member = world.join("A").await;
        world.add("A", &[member.subscription("y", None, PANICS)]).await;
        world.rest().await;
        assert!(is_cut_off(&leaf_node));
        assert_eq!(watcher.knows("edge s"), None);
        world.remove("A", &own).await;
        let again = world.link("A", "edge").await;
        world.add("A", &[again.subscription("s", None, "s")]).await;
        world.rest().await;
        assert_eq!(watcher.knows("edge s"), Some(1));
    });
}

/// A route, or a client of an account that imports, over whose subscription it happens.
#[test]
fn whoever_has_caused_it_pays_too() {
    World::check(async |world| {
        let [guilty, innocent] = [(); 2].map(|()| world.connection(ConnectionKind::Route));
        world.add("A", &[innocent.subscription("s", None, "route")]).await;
        let member = world.join("A").await;
        world.add("A", &[member.subscription("s", None, "1")]).await;
        world.add("A", &[guilty.subscription("s", None, PANICS)]).await;
        world.rest().await;
        assert!(is_cut_off(&guilty) && is_cut_off(&member) && !is_cut_off(&innocent));
        assert_eq!(world.reached("A", "s"), ["route"]);

        let [guilty, beside] = [world.join("B").await, world.join("B").await];
        world.add("B", &[beside.subscription("s", None, "beside")]).await;
        world
            .add("B", &[guilty.subscription("s", None, PANICS_WHEN_SALVAGED)])
            .await;
        assert_eq!(world.reached("A", "s"), ["beside", "route", PANICS_WHEN_SALVAGED]);
        // It is taken back, and that is the end of it.
        let member = world.join("A").await;
        world.add("A", &[member.subscription("s", None, PANICS)]).await;
        world.rest().await;
        assert!(is_cut_off(&guilty) && !is_cut_off(&beside) && !is_cut_off(&innocent));
        assert_eq!(world.reached("A", "s"), ["beside", "route"]);
        assert_eq!(world.state("A").await.panics, 3);
        assert_eq!(world.state("B").await.panics, 0);
    });
}

/// The one over which the account fails is left out, also when others subscribe; the rest is imported.
#[test]
fn imports_come_again_but_for_the_one_that_it_fails_over() {
    World::check(async |world| {
        let member = world.join("A").await;
        world.add("A", &[member.subscription("c", None, "0")]).await;
        world.import_service_that_panics("A").await;
        world.rest().await;
        assert!(is_cut_off(&member));
        let state = world.state("A").await;
        // One of the ways is of answers.
        assert_eq!((state.services, world.ways("A")), (1, 2));
        assert!(state.panics <= 3, "{}", state.panics);
        let member = world.join("A").await;
        world.add("A", &[member.subscription("c", None, "1")]).await;
        assert_eq!(world.reached("C", "c"), ["1"]);
        // What changes next is put in force at once.
        world.share().await;
        world.rest().await;
        assert_eq!((world.state("A").await.services, world.ways("A")), (1, 2));
        assert!(!is_cut_off(&member));
        assert_eq!(world.reached("C", "c"), ["1"]);
    });
}
