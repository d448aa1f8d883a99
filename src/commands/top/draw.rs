//! What is seen, on a terminal.

use super::model::{Model, Page, Prompt};
use super::{streams, text};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Sparkline};

/// The line where something is typed, below the six about the server.
const PROMPT: u16 = 6;

/// The first line of the rows.
const ROWS: u16 = 9;

/// Narrower than this a sparkline says nothing.
const NARROWEST: u16 = 12;

const KEYS: &str = "
Key              What it does

o<key>           Order the connections by <key>: cid, start, subs, pending, msgs_to, msgs_from, bytes_to,
                 bytes_from, last, idle, uptime, rtt. The flag -sort does the same.

n<number>        Ask for so many connections; with an order, for the first so many: n1 and osubs show the
                 one with most subscriptions. The flag -n does the same.

h                Hot subjects: those with most messages a second, and back.

j                Streams: those that grow fastest first, and back.

s                Subscriptions of each connection, and back.

d                Names of the clients' addresses, and back.

b                Numbers in full, and back.

space            Connections by what they do a second instead of since their start, and back.

tab, right, 1-9  The next of several servers, or the one of that number; back with shift and tab, or left.
                 The flag -s takes several, with commas.

up, down, page up, page down, home, end
                 Scroll.

q                End.

Any key goes back.
";

/// Draws everything.
pub(super) fn draw(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    if model.page == Page::Help {
        frame.render_widget(Paragraph::new(KEYS), area);
        return;
    }
    let plain = Style::new();
    let head = text::head(model);
    for (row, line) in (0..).zip(&head) {
        let style = match (row, &model.error) {
            (0, Some(_)) => plain.fg(Color::Red),
            _ => plain,
        };
        put(frame, row, line, style);
    }
    sparklines(model, &head, frame);
    if let Some((line, style)) = said(model) {
        put(frame, PROMPT, &line, style);
    }
    let (title, (header, rows)) = match model.page {
        Page::HotSubjects => {
            let count = model.sample.subjectz.as_ref().map_or(0, |hot| hot.num_subjects);
            (format!("Hot Subjects: {count}"), text::hot_subjects(model))
        }
        Page::Streams => {
            let count = model.sample.jsz.as_ref().map_or(0, |jsz| jsz.streams);
            (format!("Streams: {count}"), streams::streams(model))
        }
        Page::Connections | Page::Help => (text::polled(model), text::connections(model)),
    };
    put(frame, ROWS - 2, &title, plain);
    put(frame, ROWS - 1, &header, plain.add_modifier(Modifier::BOLD));
    for (row, line) in (ROWS..area.height).zip(rows.iter().skip(model.scrolled)) {
        put(frame, row, line, plain);
    }
}

/// What is being typed, or what was wrong with it.
fn said(model: &Model) -> Option<(String, Style)> {
    let view = &model.view;
    match (&model.prompt, &model.notice) {
        (Some(Prompt::Sort(typed)), _) => {
            Some((format!("sort by [{}]: {typed}", view.sort.name()), Style::new()))
        }
        (Some(Prompt::Limit(typed)), _) => Some((format!("limit   [{}]: {typed}", view.limit), Style::new())),
        (None, Some(notice)) => Some((notice.clone(), Style::new().fg(Color::Red))),
        (None, None) => None,
    }
}

/// The messages a second of the last looks, right of the lines that say the newest; each has its own scale.
fn sparklines(model: &Model, head: &[String; 6], frame: &mut Frame<'_>) {
    let area = frame.area();
    let used = head[4..]
        .iter()
        .map(|line| line.chars().count() + 2)
        .max()
        .unwrap_or(0);
    let left = u16::try_from(used).unwrap_or(u16::MAX);
    let width = area.width.saturating_sub(left);
    if width < NARROWEST {
        return;
    }
    let (mut ins, mut outs): (Vec<u64>, Vec<u64>) = model
        .history()
        .rev()
        .take(width.into())
        .map(|(ins, outs)| (ins.round() as u64, outs.round() as u64))
        .unzip();
    ins.reverse();
    outs.reverse();
    for (row, rates, color) in [(4, ins, Color::Green), (5, outs, Color::Cyan)] {
        if row < area.height {
            let sparkline = Sparkline::default().data(rates).style(Style::new().fg(color));
            frame.render_widget(sparkline, Rect::new(left, row, width, 1));
        }
    }
}

fn put(frame: &mut Frame<'_>, row: u16, line: &str, style: Style) {
    let area = frame.area();
    if row < area.height {
        frame.render_widget(Line::styled(line, style), Rect::new(0, row, area.width, 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::top::model::tests::{hot, model, sample};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn screen(model: &Model, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(model, frame)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let mut lines: Vec<String> = buffer
            .content
            .chunks(width.into())
            .map(|row| {
                row.iter()
                    .map(|cell| cell.symbol())
                    .collect::<String>()
                    .trim_end()
                    .to_owned()
            })
            .collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines.join("\n")
    }

    fn seen() -> Model {
        let mut model = model();
        for second in [0, 1, 3, 4, 8] {
            let mut sample = sample(second);
            // Rates that rise: 1, 2, 3, 4 thousand a second.
            let msgs = [0, 1, 0, 5, 8, 0, 0, 0, 24][second as usize] * 1000;
            (sample.varz.in_msgs, sample.varz.out_msgs) = (msgs, msgs);
            model.saw(sample);
        }
        model
    }

    #[test]
    fn connections() {
        assert_eq!(
            screen(&seen(), 100, 12),
            "\
NATS server version 2.14.5 (uptime: 8s)
Server: west
  ID:   NID
  Load: CPU:  12.3%  Memory: 8.6M  Slow Consumers: 1
  In:   Msgs: 24.0K  Bytes: 1000.0K  Msgs/Sec: 4000.0  Bytes/Sec: 125.0K  ▂▄▆█
  Out:  Msgs: 24.0K  Bytes: 2.0M  Msgs/Sec: 4000.0  Bytes/Sec: 250.0K     ▂▄▆█

Connections Polled: 2
  HOST               CID    NAME     SUBS    PENDING     MSGS_TO     MSGS_FROM   BYTES_TO    BYTES_F
  127.0.0.1:40005    5      reader   1       12          8.0K        0           1000.0K     0
  127.0.0.1:40006    6               1       12          8.0K        0           1000.0K     0"
        );
    }

    #[test]
    fn hot_subjects_scrolled() {
        let mut model = seen();
        model.page = Page::HotSubjects;
        model.saw(hot(sample(9), 9));
        model.scroll(7);
        let screen = screen(&model, 70, 20);
        let lines: Vec<&str> = screen.lines().collect();
        assert_eq!(
            lines[7..],
            [
                "Hot Subjects: 9",
                "  SUBJECT          MSGS/SEC    MSGS        BYTES       DELIVERIES",
                "  orders.7         900         123.5K      1.0M        3",
                "  orders.8         900         123.5K      1.0M        3",
            ]
        );
    }

    #[test]
    fn what_is_typed_and_what_went_wrong() {
        let mut model = seen();
        model.prompt = Some(Prompt::Sort("su".to_owned()));
        assert_eq!(screen(&model, 80, 12).lines().nth(6), Some("sort by [cid]: su"));
        model.prompt = Some(Prompt::Limit("1".to_owned()));
        assert_eq!(screen(&model, 80, 12).lines().nth(6), Some("limit   [1024]: 1"));
        model.prompt = None;
        model.notice = Some("invalid order: su".to_owned());
        model.failed("connection refused".to_owned());
        let screen = screen(&model, 80, 12);
        assert_eq!(screen.lines().nth(6), Some("invalid order: su"));
        assert_eq!(
            screen.lines().next(),
            Some("NATS server version 2.14.5 (uptime: 8s) connection refused")
        );
    }

    #[test]
    fn any_size_of_terminal() {
        let mut model = seen();
        for page in [Page::Connections, Page::HotSubjects, Page::Streams, Page::Help] {
            model.page = page;
            for (width, height) in [(1, 1), (3, 7), (10, 5), (40, 9), (300, 3), (300, 100)] {
                screen(&model, width, height);
            }
        }
        assert!(screen(&model, 110, 40).contains("h                Hot subjects"));
    }
}
