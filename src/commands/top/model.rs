//! What is seen: samples come in, rates and a history come out. Knows no terminal, socket or clock.

use super::options::View;
use super::sample::{Conn, Sample, Wanted};
use super::streams;
use jiff::Timestamp;
use std::collections::{HashMap, VecDeque};

/// How many looks are remembered for the sparklines.
const REMEMBERED: usize = 256;

/// How many names of addresses are remembered.
const NAMES: usize = 16 * 1024;

/// Amounts a second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Rates {
    pub(super) in_msgs: f64,
    pub(super) out_msgs: f64,
    pub(super) in_bytes: f64,
    pub(super) out_bytes: f64,
}

/// What is shown below the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    Connections,
    HotSubjects,
    Streams,
    Help,
}

/// A question whose answer is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Prompt {
    Sort(String),
    Limit(String),
}

/// Everything that decides what is shown.
#[derive(Debug)]
pub(super) struct Model {
    /// What the servers were called that can be looked at.
    servers: Vec<String>,
    /// The one of them that is.
    server: usize,
    pub(super) view: View,
    pub(super) page: Page,
    pub(super) prompt: Option<Prompt>,
    /// What was wrong with what was typed last.
    pub(super) notice: Option<String>,
    /// Rows above the first that is shown.
    pub(super) scrolled: usize,
    pub(super) sample: Sample,
    /// Why there is nothing newer.
    pub(super) error: Option<String>,
    pub(super) rates: Rates,
    connection_rates: HashMap<u64, Rates>,
    /// Messages a second that come to streams, by account and name.
    stream_rates: HashMap<(String, String), f64>,
    history: VecDeque<Rates>,
    /// The time of the last sample, by the server's clock.
    sampled: Option<Timestamp>,
    /// How many samples there were.
    pub(super) looks: u64,
    names: HashMap<String, String>,
}

impl Model {
    /// Of the first of these servers; there is at least one.
    pub(super) fn new(view: View, servers: impl IntoIterator<Item = String>) -> Self {
        Self {
            servers: servers.into_iter().collect(),
            server: 0,
            view,
            page: Page::Connections,
            prompt: None,
            notice: None,
            scrolled: 0,
            sample: Sample::default(),
            error: None,
            rates: Rates::default(),
            connection_rates: HashMap::new(),
            stream_rates: HashMap::new(),
            history: VecDeque::new(),
            sampled: None,
            looks: 0,
            names: HashMap::new(),
        }
    }

    /// What the next look has to bring.
    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            server: self.server,
            limit: self.view.limit,
            sort: self.view.sort.name(),
            subscriptions: self.view.subscriptions,
            hot_subjects: self.page == Page::HotSubjects,
            streams: self.page == Page::Streams,
        }
    }

    /// The number of the server that is looked at.
    pub(super) fn server(&self) -> usize {
        self.server
    }

    /// Which server that is, if there are several: its number from 1, how many there are, what it was called.
    pub(super) fn one_of_several(&self) -> Option<(usize, usize, &str)> {
        let several = self.servers.len() > 1;
        several.then(|| (self.server + 1, self.servers.len(), &*self.servers[self.server]))
    }

    /// Looks at the server of this number from now on, if there is one; nothing is known of it so far. True if it is another.
    pub(super) fn turn_to(&mut self, server: usize) -> bool {
        if server == self.server || server >= self.servers.len() {
            return false;
        }
        self.server = server;
        self.sample = Sample::default();
        self.error = None;
        self.rates = Rates::default();
        self.connection_rates.clear();
        self.stream_rates.clear();
        self.history.clear();
        self.sampled = None;
        self.scrolled = 0;
        true
    }

    /// Looks at the server that comes so many behind the one that was looked at; after the last comes the first.
    pub(super) fn turn_by(&mut self, servers: isize) -> bool {
        let count = self.servers.len() as isize;
        self.turn_to((self.server as isize + servers).rem_euclid(count) as usize)
    }

    /// A look at the server.
    pub(super) fn saw(&mut self, sample: Sample) {
        let now: Option<Timestamp> = sample.varz.now.parse().ok();
        let seconds = match (self.sampled, now) {
            (Some(before), Some(now)) => now.duration_since(before).as_secs_f64(),
            _ => 0.0,
        };
        let same_server = self.sample.varz.server_id == sample.varz.server_id;
        self.error = None;
        self.looks += 1;
        self.sampled = now;
        if same_server && seconds > 0.0 {
            let before: HashMap<u64, &Conn> = self
                .sample
                .connz
                .connections
                .iter()
                .map(|connection| (connection.cid, connection))
                .collect();
            self.connection_rates = sample
                .connz
                .connections
                .iter()
                .filter_map(|connection| {
                    let before = before.get(&connection.cid)?;
                    Some((
                        connection.cid,
                        Rates::between(&before.totals(), &connection.totals(), seconds),
                    ))
                })
                .collect();
            self.rates = Rates::between(&totals(&self.sample), &totals(&sample), seconds);
            self.stream_rates = match (&self.sample.jsz, &sample.jsz) {
                (Some(before), Some(now)) => {
                    streams::rates(&before.account_details, &now.account_details, seconds)
                }
                _ => HashMap::new(),
            };
            if self.history.len() == REMEMBERED {
                self.history.pop_front();
            }
            self.history.push_back(self.rates);
        } else {
            self.rates = Rates::default();
            self.connection_rates.clear();
            self.stream_rates.clear();
        }
        self.sample = sample;
        self.scroll(0);
    }

    /// There was no answer.
    pub(super) fn failed(&mut self, error: String) {
        self.error = Some(error);
        self.looks += 1;
    }

    /// What one connection does a second; nothing when it is new.
    pub(super) fn connection_rates(&self, cid: u64) -> Rates {
        self.connection_rates.get(&cid).copied().unwrap_or_default()
    }

    /// How many messages come to a stream a second; none when it is new.
    pub(super) fn stream_rate(&self, account: &str, name: &str) -> f64 {
        let key = (account.to_owned(), name.to_owned());
        self.stream_rates.get(&key).copied().unwrap_or_default()
    }

    /// Messages a second of the last looks, the newest last: coming in and going out.
    pub(super) fn history(&self) -> impl DoubleEndedIterator<Item = (f64, f64)> + '_ {
        self.history.iter().map(|rates| (rates.in_msgs, rates.out_msgs))
    }

    /// An address has a name.
    pub(super) fn named(&mut self, address: String, name: String) {
        if self.names.len() >= NAMES {
            self.names.clear();
        }
        self.names.insert(address, name);
    }

    /// Addresses that are to be shown by their names, which nobody has asked for yet.
    pub(super) fn nameless(&self) -> Vec<String> {
        if !self.view.names {
            return Vec::new();
        }
        let mut addresses: Vec<String> = self
            .sample
            .connz
            .connections
            .iter()
            .map(|connection| &connection.ip)
            .filter(|ip| !self.names.contains_key(*ip))
            .cloned()
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// Where a connection comes from, as it is to be shown.
    pub(super) fn host(&self, connection: &Conn) -> String {
        let name = self
            .names
            .get(&connection.ip)
            .filter(|name| self.view.names && !name.is_empty());
        match name {
            Some(name) => name.clone(),
            None if connection.ip.contains(':') => format!("[{}]:{}", connection.ip, connection.port),
            None => format!("{}:{}", connection.ip, connection.port),
        }
    }

    /// How many rows the page has.
    pub(super) fn rows(&self) -> usize {
        match self.page {
            Page::Connections => self.sample.connz.connections.len(),
            Page::HotSubjects => self.sample.subjectz.as_ref().map_or(0, |hot| hot.subjects.len()),
            Page::Streams => self.sample.jsz.as_ref().map_or(0, |jsz| {
                let accounts = jsz.account_details.iter();
                accounts.map(|account| account.stream_detail.len()).sum()
            }),
            Page::Help => 0,
        }
    }

    /// Moves down by so many rows, up if negative; one row stays in sight.
    pub(super) fn scroll(&mut self, rows: isize) {
        self.scrolled = self
            .scrolled
            .saturating_add_signed(rows)
            .min(self.rows().saturating_sub(1));
    }
}

/// Counts since the start.
#[derive(Debug, Clone, Copy)]
struct Totals {
    in_msgs: u64,
    out_msgs: u64,
    in_bytes: u64,
    out_bytes: u64,
}

fn totals(sample: &Sample) -> Totals {
    let varz = &sample.varz;
    Totals {
        in_msgs: varz.in_msgs,
        out_msgs: varz.out_msgs,
        in_bytes: varz.in_bytes,
        out_bytes: varz.out_bytes,
    }
}

impl Conn {
    fn totals(&self) -> Totals {
        Totals {
            in_msgs: self.in_msgs,
            out_msgs: self.out_msgs,
            in_bytes: self.in_bytes,
            out_bytes: self.out_bytes,
        }
    }
}

impl Rates {
    /// Counts never go back but when a server begins anew; then there is no rate.
    fn between(before: &Totals, now: &Totals, seconds: f64) -> Self {
        let rate = |before: u64, now: u64| now.saturating_sub(before) as f64 / seconds;
        Self {
            in_msgs: rate(before.in_msgs, now.in_msgs),
            out_msgs: rate(before.out_msgs, now.out_msgs),
            in_bytes: rate(before.in_bytes, now.in_bytes),
            out_bytes: rate(before.out_bytes, now.out_bytes),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::commands::top::options::Sort;
    use crate::commands::top::sample::{HotSubject, Subjectz};

    pub(in crate::commands::top) fn model() -> Model {
        of_servers(&["127.0.0.1:8222"])
    }

    pub(in crate::commands::top) fn of_servers(servers: &[&str]) -> Model {
        let view = View {
            sort: Sort::named("cid").unwrap(),
            limit: 1024,
            subscriptions: false,
            raw_numbers: false,
            names: false,
            rates: false,
        };
        Model::new(view, servers.iter().map(|server| (*server).to_owned()))
    }

    /// A look at second `second`, when a thousand messages of 128 bytes came in each second and went out to two.
    pub(in crate::commands::top) fn sample(second: u64) -> Sample {
        let mut sample = Sample::default();
        let varz = &mut sample.varz;
        varz.server_id = "NID".to_owned();
        varz.server_name = "west".to_owned();
        varz.version = "2.14.5".to_owned();
        varz.uptime = format!("{second}s");
        varz.now = format!("2026-07-15T10:11:{second:02}Z");
        varz.cpu = 12.34;
        varz.mem = 9_017_753;
        varz.slow_consumers = 1;
        (varz.in_msgs, varz.in_bytes) = (second * 1000, second * 128_000);
        (varz.out_msgs, varz.out_bytes) = (second * 2000, second * 256_000);
        for cid in 5..7 {
            sample.connz.connections.push(Conn {
                cid,
                ip: "127.0.0.1".to_owned(),
                port: 40_000 + cid as u16,
                name: if cid == 5 {
                    "reader".to_owned()
                } else {
                    String::new()
                },
                lang: "rust".to_owned(),
                version: "0.51".to_owned(),
                uptime: format!("{second}s"),
                last_activity: format!("2026-07-15T10:11:{second:02}Z"),
                pending_bytes: 12,
                subscriptions: 1,
                in_msgs: 0,
                out_msgs: second * 1000,
                in_bytes: 0,
                out_bytes: second * 128_000,
                subscriptions_list: vec!["a.*".to_owned(), "b".to_owned()],
            });
        }
        sample.connz.num_connections = 2;
        sample
    }

    /// With hot subjects.
    pub(in crate::commands::top) fn hot(mut sample: Sample, count: usize) -> Sample {
        let subjects = (0..count)
            .map(|number| HotSubject {
                subject: format!("orders.{number}"),
                rate: 900.0,
                msgs: 123_456,
                bytes: 1_048_576,
                deliveries: 3,
            })
            .collect();
        sample.subjectz = Some(Subjectz {
            num_subjects: count,
            subjects,
        });
        sample
    }

    #[test]
    fn rates_are_by_the_servers_clock() {
        let mut model = model();
        model.saw(sample(1));
        assert_eq!(model.rates, Rates::default(), "one look has no rate");
        model.saw(sample(3));
        let expected = Rates {
            in_msgs: 1000.0,
            out_msgs: 2000.0,
            in_bytes: 128_000.0,
            out_bytes: 256_000.0,
        };
        assert_eq!(model.rates, expected);
        assert_eq!(model.connection_rates(6).out_msgs, 1000.0);
        assert_eq!(model.connection_rates(99), Rates::default());
        assert_eq!(model.history().collect::<Vec<_>>(), [(1000.0, 2000.0)]);
    }

    #[test]
    fn a_server_that_begins_anew_has_no_rate() {
        let mut model = model();
        model.saw(sample(9));
        let mut anew = sample(10);
        anew.varz.server_id = "OTHER".to_owned();
        anew.varz.in_msgs = 1;
        model.saw(anew);
        assert_eq!(model.rates, Rates::default());
        let mut back = sample(11);
        back.varz.server_id = "OTHER".to_owned();
        back.varz.in_msgs = 0;
        model.saw(back);
        assert_eq!(model.rates.in_msgs, 0.0);
        let mut timeless = sample(12);
        timeless.varz.now = "soon".to_owned();
        model.saw(timeless);
        assert_eq!(model.rates, Rates::default());
    }

    #[test]
    fn an_error_keeps_what_was_seen() {
        let mut model = model();
        model.saw(sample(1));
        model.failed("gone".to_owned());
        assert_eq!(
            (model.error.as_deref(), model.sample.varz.server_name.as_str()),
            (Some("gone"), "west")
        );
        model.saw(sample(2));
        assert_eq!((model.error, model.looks), (None, 3));
    }

    #[test]
    fn names_of_addresses() {
        let mut model = model();
        model.saw(sample(1));
        assert!(model.nameless().is_empty(), "nobody wants them");
        model.view.names = true;
        assert_eq!(model.nameless(), ["127.0.0.1"]);
        model.named("127.0.0.1".to_owned(), "localhost".to_owned());
        assert!(model.nameless().is_empty());
        assert_eq!(model.host(&model.sample.connz.connections[0]), "localhost");
        model.named("127.0.0.1".to_owned(), String::new());
        assert_eq!(model.host(&model.sample.connz.connections[0]), "127.0.0.1:40005");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut model = model();
        for second in 0..2 * REMEMBERED as u64 {
            let mut sample = sample(second);
            sample.varz.now = Timestamp::from_second(second as i64).unwrap().to_string();
            model.saw(sample);
            model.named(second.to_string(), String::new());
        }
        assert_eq!(model.history().count(), REMEMBERED);
        for number in 0..2 * NAMES {
            model.named(number.to_string(), String::new());
        }
        assert!(model.names.len() <= NAMES);
    }
}
