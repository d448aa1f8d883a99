use super::*;

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = all().map(|scenario| scenario.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all().count());
}

#[test]
fn every_subscriber_listens_to_a_publisher_that_counts_it() {
    for scenario in all() {
        let (Kind::Flood(plan)
        | Kind::Secured(plan)
        | Kind::Framed(plan)
        | Kind::Permitted(plan)
        | Kind::Imported(plan)
        | Kind::InAccounts(plan)
        | Kind::Clustered(_, plan)
        | Kind::Linked(_, plan)
        | Kind::Bridged(plan)) = scenario.kind
        else {
            continue;
        };
        let plan = plan();
        for (index, publisher) in plan.publishers.iter().enumerate() {
            let readers = plan
                .subscribers
                .iter()
                .filter(|s| s.publisher == index && !s.stuck)
                .count();
            assert_eq!(readers > 0, publisher.fan > 0, "{}", scenario.name);
            // More readers than copies: a queue group, or one subscription a subject.
            assert!(readers as u64 >= publisher.fan, "{}", scenario.name);
        }
    }
}
