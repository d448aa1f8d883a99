//! What a key does.

use super::model::{Model, Page, Prompt};
use super::options::Sort;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// The most that can be typed.
const LONGEST: usize = 32;

/// Rows that a page of scrolling moves.
const PAGE: isize = 20;

/// What follows from a key, beside what it changes in the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Only what is shown may have changed.
    Redraw,
    /// The server has to be asked anew: what is wanted has changed.
    Look,
    /// It is over.
    Quit,
}

/// One key is pressed.
pub(super) fn press(model: &mut Model, key: KeyEvent) -> Action {
    if key.kind == KeyEventKind::Release {
        return Action::Redraw;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c') => Action::Quit,
            _ => Action::Redraw,
        };
    }
    model.notice = None;
    if let Some(prompt) = model.prompt.take() {
        return answer(model, prompt, key.code);
    }
    if model.page == Page::Help && key.code != KeyCode::Char('q') {
        model.page = Page::Connections;
        return Action::Redraw;
    }
    command(model, key.code)
}

fn command(model: &mut Model, key: KeyCode) -> Action {
    let view = &mut model.view;
    match key {
        KeyCode::Char('q') => return Action::Quit,
        KeyCode::Char(' ') => view.rates = !view.rates,
        KeyCode::Char('b') => view.raw_numbers = !view.raw_numbers,
        KeyCode::Char('d') => view.names = !view.names,
        KeyCode::Char('s') => {
            view.subscriptions = !view.subscriptions;
            return Action::Look;
        }
        KeyCode::Char('o') => model.prompt = Some(Prompt::Sort(String::new())),
        KeyCode::Char('n') => model.prompt = Some(Prompt::Limit(String::new())),
        KeyCode::Char('h') => return turn_page(model, Page::HotSubjects),
        KeyCode::Char('j') => return turn_page(model, Page::Streams),
        KeyCode::Tab | KeyCode::Right => return turned(model.turn_by(1)),
        KeyCode::BackTab | KeyCode::Left => return turned(model.turn_by(-1)),
        KeyCode::Char(digit @ '1'..='9') => {
            return turned(model.turn_to(digit as usize - '1' as usize));
        }
        KeyCode::Char('?') => model.page = Page::Help,
        KeyCode::Up => model.scroll(-1),
        KeyCode::Down => model.scroll(1),
        KeyCode::PageUp => model.scroll(-PAGE),
        KeyCode::PageDown => model.scroll(PAGE),
        KeyCode::Home => model.scroll(isize::MIN),
        KeyCode::End => model.scroll(isize::MAX),
        _ => {}
    }
    Action::Redraw
}

/// Shows a page, or connections if that is shown already.
fn turn_page(model: &mut Model, page: Page) -> Action {
    model.page = if model.page == page {
        Page::Connections
    } else {
        page
    };
    model.scrolled = 0;
    Action::Look
}

/// What follows if another server is looked at, or not.
fn turned(is_other: bool) -> Action {
    match is_other {
        true => Action::Look,
        false => Action::Redraw,
    }
}

/// A key while something is typed.
fn answer(model: &mut Model, mut prompt: Prompt, key: KeyCode) -> Action {
    let (Prompt::Sort(typed) | Prompt::Limit(typed)) = &mut prompt;
    match key {
        KeyCode::Esc => return Action::Redraw,
        KeyCode::Enter => return take(model, &prompt),
        KeyCode::Backspace => {
            typed.pop();
        }
        KeyCode::Char(sign) if typed.len() < LONGEST && !sign.is_control() => typed.push(sign),
        _ => {}
    }
    model.prompt = Some(prompt);
    Action::Redraw
}

fn take(model: &mut Model, prompt: &Prompt) -> Action {
    match prompt {
        // Nothing was typed: nothing is changed.
        Prompt::Sort(typed) | Prompt::Limit(typed) if typed.trim().is_empty() => Action::Redraw,
        Prompt::Sort(typed) => match Sort::named(typed.trim()) {
            Some(sort) => {
                model.view.sort = sort;
                Action::Look
            }
            None => {
                model.notice = Some(format!("invalid order: {typed}"));
                Action::Redraw
            }
        },
        Prompt::Limit(typed) => match typed.trim().parse() {
            Ok(limit) => {
                model.view.limit = limit;
                Action::Look
            }
            Err(_) => {
                model.notice = Some(format!("invalid limit: {typed}"));
                Action::Redraw
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::top::model::tests::{hot, model, of_servers, sample};

    fn press_all(model: &mut Model, keys: &str) -> Vec<Action> {
        keys.chars()
            .map(|sign| {
                let code = match sign {
                    '\n' => KeyCode::Enter,
                    '\u{8}' => KeyCode::Backspace,
                    '\u{1b}' => KeyCode::Esc,
                    sign => KeyCode::Char(sign),
                };
                press(model, KeyEvent::new(code, KeyModifiers::NONE))
            })
            .collect()
    }

    #[test]
    fn switches() {
        let mut model = model();
        assert_eq!(press_all(&mut model, " bd"), [Action::Redraw; 3]);
        assert!(model.view.rates && model.view.raw_numbers && model.view.names);
        assert_eq!(press_all(&mut model, "s"), [Action::Look]);
        assert!(model.wanted().subscriptions);
        press_all(&mut model, " bds");
        assert!(
            !model.view.rates && !model.view.raw_numbers && !model.view.names && !model.view.subscriptions
        );
    }

    #[test]
    fn order_and_number_are_typed() {
        let mut model = model();
        assert_eq!(press_all(&mut model, "osubz\u{8}s\n").last(), Some(&Action::Look));
        assert_eq!(model.wanted().sort, "subs");
        assert_eq!(press_all(&mut model, "n12\n").last(), Some(&Action::Look));
        assert_eq!(model.wanted().limit, 12);
        for (keys, notice) in [
            ("osize\n", Some("invalid order: size")),
            ("nmany\n", Some("invalid limit: many")),
            ("o\n", None),
            ("n7\u{1b}", None),
        ] {
            assert_eq!(
                press_all(&mut model, keys).last(),
                Some(&Action::Redraw),
                "{keys:?}"
            );
            assert_eq!(model.notice.as_deref(), notice, "{keys:?}");
        }
        assert_eq!((model.wanted().sort, model.wanted().limit), ("subs", 12));
        press_all(&mut model, &format!("o{}", "q".repeat(100)));
        assert_eq!(
            model.prompt,
            Some(Prompt::Sort("q".repeat(LONGEST))),
            "q is a letter here"
        );
    }

    #[test]
    fn pages() {
        let mut model = model();
        assert_eq!(press_all(&mut model, "h"), [Action::Look]);
        assert!(model.wanted().hot_subjects);
        press_all(&mut model, "h");
        assert!(!model.wanted().hot_subjects);
        press_all(&mut model, "hj");
        assert!(model.wanted().streams && !model.wanted().hot_subjects);
        press_all(&mut model, "j");
        assert_eq!(model.page, Page::Connections);
        press_all(&mut model, "?");
        assert_eq!(model.page, Page::Help);
        press_all(&mut model, "x");
        assert_eq!(model.page, Page::Connections);
        assert_eq!(press_all(&mut model, "?q"), [Action::Redraw, Action::Quit]);
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        press_all(&mut model, "o");
        assert_eq!(press(&mut model, interrupt), Action::Quit);
    }

    #[test]
    fn servers() {
        let mut model = of_servers(&["a:1", "b:2", "c:3"]);
        model.saw(sample(1));
        model.saw(sample(2));
        let mut turn = |code| {
            let action = press(&mut model, KeyEvent::new(code, KeyModifiers::NONE));
            (action, model.server())
        };
        assert_eq!(turn(KeyCode::Tab), (Action::Look, 1));
        assert_eq!(turn(KeyCode::Right), (Action::Look, 2));
        assert_eq!(turn(KeyCode::Tab), (Action::Look, 0));
        assert_eq!(turn(KeyCode::BackTab), (Action::Look, 2));
        assert_eq!(turn(KeyCode::Left), (Action::Look, 1));
        assert_eq!(turn(KeyCode::Char('3')), (Action::Look, 2));
        assert_eq!(turn(KeyCode::Char('3')), (Action::Redraw, 2));
        assert_eq!(turn(KeyCode::Char('4')), (Action::Redraw, 2));
        assert_eq!(model.wanted().server, 2);
        // Nothing of the other server is taken for this one's.
        assert_eq!((model.rows(), model.history().count()), (0, 0));
        model.saw(sample(9));
        assert_eq!(model.rates, Default::default());
        assert_eq!(press_all(&mut of_servers(&["a:1"]), "12"), [Action::Redraw; 2]);
    }

    #[test]
    fn scrolling_stays_within_the_rows() {
        let mut model = model();
        press_all(&mut model, "h");
        model.saw(hot(sample(1), 50));
        let mut scroll = |code| {
            press(&mut model, KeyEvent::new(code, KeyModifiers::NONE));
            model.scrolled
        };
        assert_eq!(scroll(KeyCode::Up), 0);
        assert_eq!(scroll(KeyCode::PageDown), 20);
        assert_eq!(scroll(KeyCode::Down), 21);
        assert_eq!(scroll(KeyCode::End), 49);
        assert_eq!(scroll(KeyCode::PageUp), 29);
        model.saw(hot(sample(2), 3));
        assert_eq!(model.scrolled, 2);
    }
}
