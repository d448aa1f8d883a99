use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use vagus_tls::testing::{Authority, Issued};

/// Somebody who says by OCSP, over HTTP, what the state of certificates is. The answers are made by the `openssl`
/// program. Until it is told of a certificate it does not know it.
#[derive(Debug)]
pub struct Responder {
    url: String,
    records: Arc<Records>,
}

#[derive(Debug)]
struct Records {
    folder: PathBuf,
    /// In the form of OpenSSL's index of an authority.
    index: Mutex<Vec<(String, String)>>,
    asked: AtomicUsize,
}

static NUMBER: AtomicUsize = AtomicUsize::new(0);

impl Responder {
    /// One that nobody has told anything. It answers until the test ends.
    pub fn start() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("vagus-responder-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("there is room");
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let address = listener.local_addr().expect("it has an address");
        let records = Arc::new(Records {
            folder,
            index: Mutex::default(),
            asked: AtomicUsize::new(0),
        });
        let of_thread = records.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // One that hangs up gets no answer.
                let _ = of_thread.answer(stream);
            }
        });
        Self {
            url: format!("http://{address}/ocsp"),
            records,
        }
    }

    /// Where it is, for certificates and settings.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// It speaks for this authority.
    pub fn speak_for(&self, authority: &Authority) {
        authority.own().write(&self.records.folder, "authority");
    }

    /// The certificate is good.
    pub fn approve(&self, issued: &Issued) {
        self.record(issued, "V", "");
    }

    /// The certificate is revoked.
    pub fn revoke(&self, issued: &Issued) {
        self.record(issued, "R", "200101000000Z");
    }

    /// How often it has been asked.
    pub fn asked(&self) -> usize {
        self.records.asked.load(Ordering::SeqCst)
    }

    fn record(&self, issued: &Issued, status: &str, revoked: &str) {
        let serial = issued
            .certificate
            .serial_number()
            .to_bn()
            .expect("a number is one");
        let serial = serial.to_hex_str().expect("a number has digits").to_string();
        let line = format!("{status}\t491231235959Z\t{revoked}\t{serial}\tunknown\t/CN={serial}\n");
        let mut index = self.records.index.lock().unwrap_or_else(PoisonError::into_inner);
        index.retain(|(other, _)| *other != serial);
        index.push((serial, line));
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        // What stays is in the folder of temporary files.
        let _ = fs::remove_dir_all(&self.records.folder);
    }
}

impl Records {
    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        let question = read_post(&mut stream)?;
        let answer = self.ask_openssl(number, &question)?;
        let head = format!(
            "HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(&answer)
    }

    fn ask_openssl(&self, number: usize, question: &[u8]) -> std::io::Result<Vec<u8>> {
        let path = |name: &str| self.folder.join(format!("{name}-{number}"));
        let (index, request, response) = (path("index"), path("request"), path("response"));
        let mut lines = String::new();
        for (_, line) in self.index.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = lines.write_str(line);
        }
        fs::write(&index, lines)?;
        fs::write(&request, question)?;
        let certificate = self.folder.join("authority.pem");
        let key = self.folder.join("authority.key");
        let arguments: [(&str, &Path); 7] = [
            ("-index", &index),
            ("-CA", &certificate),
            ("-rsigner", &certificate),
            ("-rkey", &key),
            ("-reqin", &request),
            ("-respout", &response),
            ("-ndays", Path::new("7")),
        ];
        let mut command = Command::new("openssl");
        command.arg("ocsp");
        for (name, value) in arguments {
            command.arg(name).arg(value);
        }
        let output = command.output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl ocsp: {errors}");
        fs::read(response)
    }
}

/// The body of a request.
fn read_post(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    loop {
        let count = stream.read(&mut part)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        request.extend_from_slice(&part[..count]);
        let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&request[..end]);
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, length)| length.parse::<usize>().ok())
            .expect("a POST has a length");
        if request.len() >= end + 4 + length {
            return Ok(request.split_off(end + 4));
        }
    }
}
