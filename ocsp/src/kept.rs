//! What authorities said of peers, remembered, and kept over a restart where that is wanted.

use parking_lot::{Mutex, MutexGuard};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread;
use vagus_tls::OcspCache;
use vagus_tls::ocsp::AnswerCache;

/// The file in the folder. That of nats-server is another, in a form of its own.
const FILE: &str = "answers.txt";

/// The most bytes that are read of it.
const MAX_FILE: u64 = 64 << 20;

/// Answers, and who writes them down.
#[derive(Debug)]
pub(crate) struct KeptAnswers {
    settings: OcspCache,
    cache: Mutex<AnswerCache>,
    /// Ends the thread that writes, when it is dropped.
    _writer: Option<Sender<()>>,
}

impl KeptAnswers {
    /// Reads what was kept. A folder that cannot be read or written is told of in the log, and nothing is kept then.
    pub(crate) fn new(settings: OcspCache) -> Arc<Self> {
        let mut cache = AnswerCache::new(settings.clone());
        let (sender, receiver) = channel();
        if let Some(folder) = &settings.local_store {
            match read(folder) {
                Ok(text) => cache.take_kept(&text),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => log::warn!("Unable to load OCSP peer cache: {error}"),
            }
        }
        let kept = Arc::new(Self {
            cache: Mutex::new(cache),
            _writer: settings.local_store.as_ref().map(|_| sender),
            settings,
        });
        if kept.settings.local_store.is_some() {
            let (weak, interval): (Weak<Self>, _) = (Arc::downgrade(&kept), kept.settings.save_interval);
            let writer = move || {
                while receiver.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                    let Some(kept) = weak.upgrade() else { return };
                    kept.write();
                }
            };
            let thread = thread::Builder::new().name("ocsp-cache".to_owned()).spawn(writer);
            if let Err(error) = thread {
                log::warn!("OCSP answers are not kept: {error}");
            }
        }
        kept
    }

    /// Whether it remembers anything.
    pub(crate) fn is_on(&self) -> bool {
        self.settings.enabled
    }

    /// Whether it is what these settings ask for.
    pub(crate) fn is_as(&self, settings: &OcspCache) -> bool {
        self.settings == *settings
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, AnswerCache> {
        self.cache.lock()
    }

    /// Writes down what is new, if anything is.
    pub(crate) fn write(&self) {
        let Some(folder) = &self.settings.local_store else {
            return;
        };
        let text = self.cache.lock().to_keep();
        if let Some(text) = text
            && let Err(error) = replace(folder, &text)
        {
            log::error!("Unable to save OCSP peer cache: {error}");
        }
    }
}

impl Drop for KeptAnswers {
    fn drop(&mut self) {
        self.write();
    }
}

fn read(folder: &Path) -> io::Result<String> {
    let path = folder.join(FILE);
    if fs::metadata(&path)?.len() > MAX_FILE {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    fs::read_to_string(path)
}

/// Nobody finds half of it, however this ends.
fn replace(folder: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let new = folder.join(format!("{FILE}.new"));
    fs::write(&new, text)?;
    fs::rename(new, folder.join(FILE))
}
