//! What the log says of streams at the start. Tools read some of the lines.

use vagus_actors::jetstream::{Settings, StreamTotals};
use vagus_configs::JetStream;
use vagus_jetstream::config::API_LEVEL;
use vagus_protocol::size::Size;

/// How streams are kept.
pub(super) fn tell(configured: &JetStream, settings: &Settings) {
    for line in lines(configured, settings) {
        log::info!("{line}");
    }
}

fn lines(configured: &JetStream, settings: &Settings) -> Vec<String> {
    let size = |bytes: i64| Size(u64::try_from(bytes).unwrap_or(0));
    let mut lines = vec!["---------------- JETSTREAM ----------------".to_owned()];
    if settings.strict {
        lines.push("  Strict:          true".to_owned());
    }
    lines.push(format!("  Max Memory:      {}", size(settings.max_memory)));
    lines.push(format!("  Max Storage:     {}", size(settings.max_storage)));
    let folder = settings.folder.join(vagus_actors::jetstream::FOLDER);
    lines.push(format!("  Store Directory: \"{}\"", folder.display()));
    if !settings.domain.is_empty() {
        lines.push(format!("  Domain:          {}", settings.domain));
    }
    if let Some(encryption) = &configured.encryption {
        lines.push(format!("  Encryption:      {}", encryption.cipher.text()));
    }
    lines.push(format!("  API Level:       {API_LEVEL}"));
    lines.push("-------------------------------------------".to_owned());
    lines
}

/// What was found.
pub(super) fn tell_restored(found: StreamTotals) {
    let StreamTotals {
        streams,
        consumers,
        messages,
        bytes,
    } = found;
    if streams > 0 {
        log::info!(
            "  Restored:        streams {streams}, consumers {consumers}, messages {messages} ({})",
            Size(bytes)
        );
    }
}
