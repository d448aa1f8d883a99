use super::*;

fn weighted(all: &[(&str, u8)]) -> Vec<MappedDestination> {
    all.iter()
        .map(|(subject, weight)| MappedDestination {
            weight: *weight,
            ..MappedDestination::only(subject)
        })
        .collect()
}

fn mapping(source: &str, destinations: &[(&str, u8)]) -> Mapping {
    Mapping::new(source, &weighted(destinations), None).unwrap()
}

/// How many of a hundred messages on `subject` go where.
fn shares(mapping: &Mapping, subject: &str) -> Vec<(String, usize)> {
    let mut shares: Vec<(String, usize)> = Vec::new();
    for number in 0..100 {
        let mut out = Vec::new();
        if let Some(transform) = mapping.choose(number) {
            transform.append(subject.as_bytes(), 0, &mut out);
        }
        let made = String::from_utf8(out).unwrap();
        match shares.iter_mut().find(|(subject, _)| *subject == made) {
            Some((_, count)) => *count += 1,
            None => shares.push((made, 1)),
        }
    }
    shares.sort();
    shares
}

fn share(subject: &str, count: usize) -> (String, usize) {
    (subject.to_owned(), count)
}

#[test]
fn messages_are_shared_out_by_weight() {
    let half = mapping("a", &[("b", 50), ("c", 50)]);
    assert_eq!(shares(&half, "a"), [share("b", 50), share("c", 50)]);
    let three = mapping("a", &[("b", 60), ("c", 30), ("d", 10)]);
    assert_eq!(
        shares(&three, "a"),
        [share("b", 60), share("c", 30), share("d", 10)]
    );
}

#[test]
fn what_the_weights_lack_stays_where_it_is() {
    assert_eq!(
        shares(&mapping("a.*", &[("b.$1", 20)]), "a.x"),
        [share("a.x", 80), share("b.x", 20)]
    );
    assert_eq!(shares(&mapping("a", &[]), "a"), [share("a", 100)]);
    assert_eq!(shares(&mapping("a", &[("b", 0)]), "a"), [share("a", 100)]);
}

#[test]
fn what_a_source_that_is_a_destination_lacks_is_lost() {
    assert_eq!(
        shares(&mapping("a", &[("a", 50)]), "a"),
        [share("", 50), share("a", 50)]
    );
    assert_eq!(
        shares(&mapping("a", &[("a", 10), ("b", 20)]), "a"),
        [share("", 70), share("a", 10), share("b", 20)]
    );
}

#[test]
fn a_cluster_may_have_destinations_of_its_own() {
    let destinations = [
        MappedDestination::only("everywhere"),
        MappedDestination {
            cluster: Some("east".into()),
            weight: 30,
            ..MappedDestination::only("in-the-east")
        },
    ];
    let here = |cluster| shares(&Mapping::new("a", &destinations, cluster).unwrap(), "a");
    assert_eq!(here(Some("east")), [share("a", 70), share("in-the-east", 30)]);
    assert_eq!(here(Some("west")), [share("everywhere", 100)]);
    assert_eq!(here(None), [share("everywhere", 100)]);
    // Where there are none for it, messages stay where they are.
    let elsewhere = Mapping::new("a", &destinations[1..], Some("west")).unwrap();
    assert_eq!(shares(&elsewhere, "a"), [share("a", 100)]);
}

#[test]
fn what_cannot_be_is_refused_in_nats_servers_words() {
    let error = |source, destinations| {
        Mapping::new(source, &weighted(destinations), None)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(error("a..b", &[("c", 100)]), "invalid subject");
    assert_eq!(error("a b", &[("c", 100)]), "invalid subject");
    assert_eq!(error("a", &[("b", 10), ("b", 10)]), "duplicate entry for \"b\"");
    assert_eq!(error("a", &[("b", 101)]), "individual weights need to be <= 100");
    assert_eq!(
        error("a", &[("b", 60), ("c", 41)]),
        "total weight needs to be <= 100"
    );
    assert_eq!(
        error("a.*", &[("b.$2", 100)]),
        "invalid mapping destination: wildcard index out of range in $2: [2]"
    );
}

fn mapped(mappings: &Mappings, subject: &str, random: u64) -> Option<(String, bool)> {
    let mut out = b"what was there before".to_vec();
    let mapped = mappings.map(subject.as_bytes(), random, &mut out)?;
    Some((String::from_utf8(out).unwrap(), mapped.always))
}

#[test]
fn the_most_specific_source_counts() {
    let mappings = Mappings::new([
        mapping(">", &[("rest.>", 100)]),
        mapping("a.>", &[("a-rest.>", 100)]),
        mapping("a.*", &[("a-star.$1", 100)]),
        mapping("a.b", &[("a-b", 100)]),
        mapping("*.b", &[("star-b.$1", 100)]),
        mapping("a.*.c", &[("a-star-c.$1", 100)]),
        mapping("a.b.*", &[("a-b-star.$1", 100)]),
    ]);
    for (subject, expected) in [
        ("a.b", "a-b"),
        ("a.x", "a-star.x"),
        ("x.b", "star-b.x"),
        ("a.b.c", "a-b-star.c"),
        ("a.x.c", "a-star-c.x"),
        ("a.x.y", "a-rest.x.y"),
        ("x", "rest.x"),
    ] {
        let expected = Some((expected.to_owned(), true));
        assert_eq!(mapped(&mappings, subject, 0), expected, "{subject}");
    }
}

#[test]
fn a_subject_that_no_source_matches_stays_as_it_is() {
    let mappings = Mappings::new([mapping("a.*", &[("b.$1", 100)])]);
    for subject in ["a", "b", "a.b.c", "a.", "a..b", ""] {
        assert_eq!(mapped(&mappings, subject, 0), None, "{subject}");
    }
    assert!(Mappings::new([]).is_empty() && !mappings.is_empty());
}

#[test]
fn the_last_of_several_mappings_of_a_source_counts() {
    let mappings = Mappings::new([mapping("a", &[("b", 100)]), mapping("a", &[("c", 100)])]);
    assert_eq!(mapped(&mappings, "a", 0), Some(("c".to_owned(), true)));
}

#[test]
fn what_is_drawn_is_not_said_to_be_always_so() {
    let mappings = Mappings::new([
        mapping("half", &[("half", 50)]),
        mapping("drawn.*", &[("d.{{random(10)}}", 100)]),
    ]);
    assert_eq!(mapped(&mappings, "half", 99 << 32), Some((String::new(), false)));
    assert_eq!(mapped(&mappings, "half", 0), Some(("half".to_owned(), false)));
    assert_eq!(mapped(&mappings, "drawn.x", 14), Some(("d.7".to_owned(), false)));
    let nothing = Mappings::new([mapping("a", &[("b", 0)])]);
    assert_eq!(mapped(&nothing, "a", 0), Some(("a".to_owned(), true)));
}

#[test]
fn how_many_sources_there_are_costs_next_to_nothing() {
    let sources = (0..5_000).flat_map(|number| {
        [
            format!("a.{number}.*"),
            format!("*.{number}.b"),
            format!("c.{number}"),
        ]
    });
    let mappings = Mappings::new(sources.map(|source| mapping(&source, &[("to", 100)])));
    for subject in ["a.7.b", "x.4999.b", "c.17", "a.b.c"] {
        let mut out = Vec::new();
        let work = mappings
            .map(subject.as_bytes(), 0, &mut out)
            .map_or(0, |mapped| mapped.work);
        assert!(work < 16, "{work} for {subject}");
    }
}
