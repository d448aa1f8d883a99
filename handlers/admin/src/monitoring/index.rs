//! The page that links to all others.

use super::HTML;
use std::fmt::Write;
use vagus_monitoring::{Broker, Document, LINKS, Status};

/// Text with what HTML would take for its own replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

pub(super) fn show(broker: &Broker, root: &str) -> Document {
    let (settings, _) = broker.settings.current();
    let info = &settings.info;
    let mut links = String::new();
    for (path, name) in LINKS {
        let address = escaped(&format!("{root}{path}"));
        let _ = writeln!(
            links,
            "<li><a href=\"{address}\">{name}</a> <code>{path}</code></li>"
        );
    }
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{name} – Vagus</title>\n\
         <style>body {{ font-family: sans-serif; margin: 2em }} li {{ margin: 0.3em 0 }} \
         code {{ color: #777 }}</style>\n</head>\n<body>\n<h1>Vagus {ours}</h1>\n\
         <p>{name} speaks NATS as nats-server {theirs} does.</p>\n<ul>\n{links}</ul>\n</body>\n</html>\n",
        name = escaped(&info.server_name),
        ours = escaped(&info.vagus_version),
        theirs = escaped(&info.version),
    );
    Document {
        status: Status::Ok,
        content_type: HTML,
        body: page.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn names_are_no_markup() {
        assert_eq!(
            escaped("<b>\"A&B\"</b>"),
            "&lt;b&gt;&quot;A&amp;B&quot;&lt;/b&gt;"
        );
    }
}
