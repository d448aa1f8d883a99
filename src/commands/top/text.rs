//! What is seen, as lines: in the words and columns of nats-top, which scripts read.

use super::model::Model;
use super::sample::{Conn, tame};
use super::sizes::{bytes, count};
use std::fmt::Write;

/// The columns after HOST, CID and NAME, with their widths.
const COLUMNS: [(&str, usize); 10] = [
    ("SUBS", 6),
    ("PENDING", 10),
    ("MSGS_TO", 10),
    ("MSGS_FROM", 10),
    ("BYTES_TO", 10),
    ("BYTES_FROM", 10),
    ("LANG", 7),
    ("VERSION", 7),
    ("UPTIME", 7),
    ("LAST_ACTIVITY", 40),
];

/// The narrowest HOST.
const HOST: usize = 15;

/// The widest HOST and NAME.
const WIDEST: usize = 64;

/// The six lines about the server. The last two are about what comes in and what goes out.
pub(super) fn head(model: &Model) -> [String; 6] {
    let varz = &model.sample.varz;
    let rates = &model.rates;
    let raw = model.view.raw_numbers;
    let name = if varz.server_name == varz.server_id {
        ""
    } else {
        &varz.server_name
    };
    let error = model.error.as_deref().map(tame).unwrap_or_default();
    let flow = |way, msgs: u64, size: u64, msgs_rate, bytes_rate| {
        format!(
            "  {way:<5} Msgs: {}  Bytes: {}  Msgs/Sec: {msgs_rate:.1}  Bytes/Sec: {}",
            count(raw, msgs as f64),
            bytes(raw, size as f64),
            bytes(raw, bytes_rate),
        )
    };
    [
        format!(
            "NATS server version {} (uptime: {}) {error}",
            tame(&varz.version),
            tame(&varz.uptime)
        ),
        format!("Server: {}{}", tame(name), one_of_several(model)),
        format!("  ID:   {}", tame(&varz.server_id)),
        format!(
            "  Load: CPU:  {:.1}%  Memory: {}  Slow Consumers: {}",
            varz.cpu,
            bytes(false, varz.mem as f64),
            varz.slow_consumers
        ),
        flow("In:", varz.in_msgs, varz.in_bytes, rates.in_msgs, rates.in_bytes),
        flow(
            "Out:",
            varz.out_msgs,
            varz.out_bytes,
            rates.out_msgs,
            rates.out_bytes,
        ),
    ]
}

/// Which of several servers it is.
fn one_of_several(model: &Model) -> String {
    match model.one_of_several() {
        Some((number, count, called)) => format!("  ({number} of {count}: {})", tame(called)),
        None => String::new(),
    }
}

/// How many connections there are.
pub(super) fn polled(model: &Model) -> String {
    format!("Connections Polled: {}", model.sample.connz.num_connections)
}

/// The names of the columns, and a line for each connection.
pub(super) fn connections(model: &Model) -> (String, Vec<String>) {
    let connections = &model.sample.connz.connections;
    let longest =
        |length: &dyn Fn(&Conn) -> usize| connections.iter().map(length).max().unwrap_or(0).min(WIDEST);
    let host_width = (longest(&|connection| model.host(connection).chars().count()) + 2).max(HOST);
    // Only if somebody has one.
    let name_width = match longest(&|connection| connection.name.chars().count()) {
        0 => 0,
        width => (width + 2).max("NAME".len()),
    };
    let line = |host: &str, cid: &str, name: &str, fields: &[String], subscriptions: Option<&str>| {
        let mut line = format!("  {host:<host_width$}  {cid:<6} ");
        if name_width > 0 {
            let _ = write!(line, "{name:<name_width$} ");
        }
        for (place, (field, (_, width))) in fields.iter().zip(COLUMNS).enumerate() {
            let gap = if place == 0 { "" } else { "  " };
            let _ = write!(line, "{gap}{field:<width$}");
        }
        line.push_str(subscriptions.unwrap_or_default());
        line.truncate(line.trim_end().len());
        line
    };
    let shown = model.view.subscriptions;
    let titles = COLUMNS.map(|(title, _)| title.to_owned());
    let header = line("HOST", "CID", "NAME", &titles, shown.then_some("SUBSCRIPTIONS"));
    let rows = connections
        .iter()
        .map(|connection| {
            let subscriptions = shown.then(|| tame(&connection.subscriptions_list.join(", ")));
            line(
                &tame(&model.host(connection)),
                &connection.cid.to_string(),
                &tame(&connection.name),
                &fields(model, connection),
                subscriptions.as_deref(),
            )
        })
        .collect();
    (header, rows)
}

/// What stands in the [`COLUMNS`].
fn fields(model: &Model, connection: &Conn) -> [String; 10] {
    let raw = model.view.raw_numbers;
    let rates = model.connection_rates(connection.cid);
    let either = |total: u64, rate: f64| if model.view.rates { rate } else { total as f64 };
    [
        connection.subscriptions.to_string(),
        count(raw, connection.pending_bytes as f64),
        count(raw, either(connection.out_msgs, rates.out_msgs)),
        count(raw, either(connection.in_msgs, rates.in_msgs)),
        bytes(raw, either(connection.out_bytes, rates.out_bytes)),
        bytes(raw, either(connection.in_bytes, rates.in_bytes)),
        tame(&connection.lang),
        tame(&connection.version),
        tame(&connection.uptime),
        tame(&connection.last_activity),
    ]
}

/// The busiest subjects: names of the columns, and a line for each.
pub(super) fn hot_subjects(model: &Model) -> (String, Vec<String>) {
    let raw = model.view.raw_numbers;
    let Some(hot) = &model.sample.subjectz else {
        return (
            "  This server does not tell its hot subjects.".to_owned(),
            Vec::new(),
        );
    };
    let longest = hot.subjects.iter().map(|hot| hot.subject.chars().count()).max();
    let width = (longest.unwrap_or(0).min(WIDEST) + 2).max(HOST);
    let line = |subject: &str, fields: [String; 4]| {
        let [rate, msgs, size, deliveries] = fields;
        let line = format!("  {subject:<width$}  {rate:<10}  {msgs:<10}  {size:<10}  {deliveries}");
        line.trim_end().to_owned()
    };
    let titles = ["MSGS/SEC", "MSGS", "BYTES", "DELIVERIES"].map(str::to_owned);
    let rows = hot
        .subjects
        .iter()
        .map(|hot| {
            line(
                &tame(&hot.subject),
                [
                    count(raw, hot.rate),
                    count(raw, hot.msgs as f64),
                    bytes(raw, hot.bytes as f64),
                    hot.deliveries.to_string(),
                ],
            )
        })
        .collect();
    (line("SUBJECT", titles), rows)
}

/// The whole look, aligned.
pub(super) fn plain(model: &Model) -> String {
    let (header, rows) = connections(model);
    let mut text = String::new();
    let lines = head(model)
        .into_iter()
        .chain([String::new(), polled(model), header])
        .chain(rows);
    for line in lines {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The whole look, its fields separated by `delimiter`. A field that holds it is quoted as in CSV.
pub(super) fn delimited(model: &Model, delimiter: &str) -> String {
    let varz = &model.sample.varz;
    let rates = &model.rates;
    let raw = model.view.raw_numbers;
    let flow = |way: &str, msgs: u64, size: u64, msgs_rate: f64, bytes_rate| {
        vec![
            way.to_owned(),
            "Msgs:".to_owned(),
            count(raw, msgs as f64),
            "Bytes:".to_owned(),
            bytes(raw, size as f64),
            "Msgs/Sec:".to_owned(),
            format!("{msgs_rate:.1}"),
            "Bytes/Sec:".to_owned(),
            bytes(raw, bytes_rate),
        ]
    };
    let mut records = vec![
        vec![
            "NATS server version".to_owned(),
            tame(&varz.version),
            format!("(uptime: {})", tame(&varz.uptime)),
            model.error.as_deref().map(tame).unwrap_or_default(),
        ],
        vec!["Server:".to_owned()],
        vec![
            "Load:".to_owned(),
            "CPU:".to_owned(),
            format!("{:.1}%", varz.cpu),
            "Memory:".to_owned(),
            bytes(false, varz.mem as f64),
            "Slow Consumers:".to_owned(),
            varz.slow_consumers.to_string(),
        ],
        flow("In:", varz.in_msgs, varz.in_bytes, rates.in_msgs, rates.in_bytes),
        flow(
            "Out:",
            varz.out_msgs,
            varz.out_bytes,
            rates.out_msgs,
            rates.out_bytes,
        ),
        vec![String::new()],
        vec![
            "Connections Polled:".to_owned(),
            model.sample.connz.num_connections.to_string(),
        ],
    ];
    let shown = model.view.subscriptions;
    let mut titles: Vec<String> = ["HOST", "CID", "NAME"].map(str::to_owned).to_vec();
    titles.extend(COLUMNS.map(|(title, _)| title.to_owned()));
    titles.extend(shown.then(|| "SUBSCRIPTIONS".to_owned()));
    records.push(titles);
    for connection in &model.sample.connz.connections {
        let mut record = vec![
            tame(&model.host(connection)),
            connection.cid.to_string(),
            tame(&connection.name),
        ];
        record.extend(fields(model, connection));
        record.extend(shown.then(|| tame(&connection.subscriptions_list.join("  "))));
        records.push(record);
    }
    let mut text = String::new();
    for record in records {
        let fields: Vec<String> = record.iter().map(|field| quoted(field, delimiter)).collect();
        text.push_str(&fields.join(delimiter));
        text.push('\n');
    }
    text
}

fn quoted(field: &str, delimiter: &str) -> String {
    if field.contains(delimiter) || field.contains('"') {
        return format!("\"{}\"", field.replace('"', "\"\""));
    }
    field.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::top::model::tests::{hot, model, sample};

    #[test]
    fn aligned() {
        let mut model = model();
        model.saw(sample(1));
        model.saw(sample(2));
        assert_eq!(
            plain(&model),
            "\
NATS server version 2.14.5 (uptime: 2s)
Server: west
  ID:   NID
  Load: CPU:  12.3%  Memory: 8.6M  Slow Consumers: 1
  In:   Msgs: 2.0K  Bytes: 250.0K  Msgs/Sec: 1000.0  Bytes/Sec: 125.0K
  Out:  Msgs: 4.0K  Bytes: 500.0K  Msgs/Sec: 2000.0  Bytes/Sec: 250.0K

Connections Polled: 2
  HOST               CID    NAME     SUBS    PENDING     MSGS_TO     MSGS_FROM   BYTES_TO    BYTES_FROM  LANG     VERSION  UPTIME   LAST_ACTIVITY
  127.0.0.1:40005    5      reader   1       12          2.0K        0           250.0K      0           rust     0.51     2s       2026-07-15T10:11:02Z
  127.0.0.1:40006    6               1       12          2.0K        0           250.0K      0           rust     0.51     2s       2026-07-15T10:11:02Z
"
        );
    }

    #[test]
    fn rates_full_numbers_and_subscriptions() {
        let mut model = model();
        model.saw(sample(1));
        model.saw(sample(3));
        model.view.rates = true;
        model.view.raw_numbers = true;
        model.view.subscriptions = true;
        let (header, rows) = connections(&model);
        assert!(header.ends_with("SUBSCRIPTIONS"));
        assert!(
            rows[0].contains(" 1000        0           128000      0 "),
            "{}",
            rows[0]
        );
        assert!(rows[0].ends_with(" a.*, b"), "{}", rows[0]);
        assert!(head(&model)[4].contains("Msgs: 3000  Bytes: 384000  Msgs/Sec: 1000.0  Bytes/Sec: 128000"));
    }

    #[test]
    fn separated() {
        let mut model = model();
        let mut sample = sample(1);
        sample.connz.connections.truncate(1);
        sample.connz.connections[0].name = "a,\"b\"".to_owned();
        model.saw(sample);
        model.view.subscriptions = true;
        assert_eq!(
            delimited(&model, ","),
            "\
NATS server version,2.14.5,(uptime: 1s),
Server:
Load:,CPU:,12.3%,Memory:,8.6M,Slow Consumers:,1
In:,Msgs:,1.0K,Bytes:,125.0K,Msgs/Sec:,0.0,Bytes/Sec:,0
Out:,Msgs:,2.0K,Bytes:,250.0K,Msgs/Sec:,0.0,Bytes/Sec:,0

Connections Polled:,2
HOST,CID,NAME,SUBS,PENDING,MSGS_TO,MSGS_FROM,BYTES_TO,BYTES_FROM,LANG,VERSION,UPTIME,LAST_ACTIVITY,SUBSCRIPTIONS
127.0.0.1:40005,5,\"a,\"\"b\"\"\",1,12,1.0K,0,125.0K,0,rust,0.51,1s,2026-07-15T10:11:01Z,a.*  b
"
        );
    }

    #[test]
    fn busiest_subjects() {
        let mut model = model();
        model.saw(sample(1));
        assert_eq!(
            hot_subjects(&model).0,
            "  This server does not tell its hot subjects."
        );
        model.saw(hot(sample(2), 1));
        let (header, rows) = hot_subjects(&model);
        assert_eq!(
            header,
            "  SUBJECT          MSGS/SEC    MSGS        BYTES       DELIVERIES"
        );
        assert_eq!(rows, ["  orders.0         900         123.5K      1.0M        3"]);
    }

    #[test]
    fn a_hostile_name_stays_in_its_line() {
        let mut model = model();
        let mut sample = sample(1);
        sample.connz.connections[0].name = "\u{1b}[2J\nfake".to_owned();
        sample.varz.server_name = "\u{1b}]0;x\u{7}".to_owned();
        model.saw(sample);
        let text = plain(&model);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'));
        assert_eq!(text.lines().count(), 11);
    }
}
