//! Payloads that are wanted compressed: `Accept-Encoding` and `Content-Encoding`.

use flate2::Compression;
use flate2::write::GzEncoder;
use snap::write::FrameEncoder;
use std::io::{self, Write};

/// The header by which somebody asks for it.
pub const ACCEPT_ENCODING: &[u8] = b"Accept-Encoding";

/// How a payload is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentEncoding {
    /// The framing format of Snappy, which S2 can read.
    Snappy,
    /// Gzip.
    Gzip,
    /// As it is, to somebody who asked for something else.
    Identity,
}

impl ContentEncoding {
    /// What is used for somebody who accepts these; none for somebody who asks for nothing.
    pub fn for_one_who_accepts(encodings: &[u8]) -> Option<Self> {
        let encodings = encodings.to_ascii_lowercase();
        let names = |name: &[u8]| memchr::memmem::find(&encodings, name).is_some();
        match encodings.as_slice() {
            b"" => None,
            _ if names(b"snappy") || names(b"s2") => Some(Self::Snappy),
            _ if names(b"gzip") => Some(Self::Gzip),
            _ => Some(Self::Identity),
        }
    }

    /// What is used for the sender of a message with this header block: the first `Accept-Encoding` counts, in exactly this
    /// spelling.
    pub fn for_sender_of(header: &[u8]) -> Option<Self> {
        let mut lines = header.split(|byte| *byte == b'\n').skip(1);
        let value = lines.find_map(|line| line.strip_prefix(ACCEPT_ENCODING)?.strip_prefix(b":"))?;
        Self::for_one_who_accepts(value.trim_ascii())
    }

    /// The header block of a message that is nothing but a payload written so.
    pub fn header(self) -> &'static [u8] {
        match self {
            Self::Snappy => b"NATS/1.0\r\nContent-Encoding: snappy\r\n\r\n",
            Self::Gzip => b"NATS/1.0\r\nContent-Encoding: gzip\r\n\r\n",
            Self::Identity => b"NATS/1.0\r\nContent-Encoding: identity\r\n\r\n",
        }
    }
}

/// Writes a payload, given piece by piece.
#[derive(Debug)]
pub struct Encoder(Kind);

#[derive(Debug)]
enum Kind {
    Plain(Vec<u8>),
    Snappy(Box<FrameEncoder<Vec<u8>>>),
    Gzip(Box<GzEncoder<Vec<u8>>>),
}

impl Encoder {
    /// For a payload written so; as it is without an encoding.
    pub fn new(encoding: Option<ContentEncoding>) -> Self {
        Self(match encoding {
            None | Some(ContentEncoding::Identity) => Kind::Plain(Vec::new()),
            Some(ContentEncoding::Snappy) => Kind::Snappy(Box::new(FrameEncoder::new(Vec::new()))),
            Some(ContentEncoding::Gzip) => {
                Kind::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::fast())))
            }
        })
    }

    /// Adds a piece. It takes time by its length.
    pub fn add(&mut self, piece: &[u8]) {
        let added = match &mut self.0 {
            Kind::Plain(out) => out.write_all(piece),
            Kind::Snappy(out) => out.write_all(piece),
            Kind::Gzip(out) => out.write_all(piece),
        };
        debug_assert!(added.is_ok(), "memory takes everything: {added:?}");
    }

    /// The payload.
    pub fn finish(self) -> Vec<u8> {
        let finished = match self.0 {
            Kind::Plain(out) => Ok(out),
            Kind::Snappy(out) => out
                .into_inner()
                .map_err(|error| io::Error::other(error.to_string())),
            Kind::Gzip(out) => out.finish(),
        };
        debug_assert!(finished.is_ok(), "memory takes everything: {finished:?}");
        finished.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{ContentEncoding, Encoder};
    use flate2::read::GzDecoder;
    use snap::read::FrameDecoder;
    use std::io::Read;

    #[test]
    fn is_chosen_as_nats_server_does_it() {
        for (accepted, encoding) in [
            ("", None),
            ("gzip", Some(ContentEncoding::Gzip)),
            ("GZIP", Some(ContentEncoding::Gzip)),
            ("snappy", Some(ContentEncoding::Snappy)),
            ("s2", Some(ContentEncoding::Snappy)),
            ("gzip, snappy", Some(ContentEncoding::Snappy)),
            ("br;q=1, gzip;q=0.5", Some(ContentEncoding::Gzip)),
            ("bad one", Some(ContentEncoding::Identity)),
        ] {
            assert_eq!(
                ContentEncoding::for_one_who_accepts(accepted.as_bytes()),
                encoding,
                "{accepted:?}"
            );
        }
    }

    #[test]
    fn reads_as_what_was_written() {
        let payload: Vec<u8> = (0..200_000_u32)
            .flat_map(|number| (number / 100).to_le_bytes())
            .collect();
        let written = |encoding| {
            let mut encoder = Encoder::new(encoding);
            payload.chunks(65_000).for_each(|piece| encoder.add(piece));
            encoder.finish()
        };
        assert!(written(None) == payload);
        assert!(written(Some(ContentEncoding::Identity)) == payload);
        let [snappy, gzip] = [ContentEncoding::Snappy, ContentEncoding::Gzip].map(|one| written(Some(one)));
        assert!(snappy.len() < payload.len() / 4 && gzip.len() < payload.len() / 4);
        let mut read = Vec::new();
        FrameDecoder::new(snappy.as_slice())
            .read_to_end(&mut read)
            .unwrap();
        assert!(read == payload);
        read.clear();
        GzDecoder::new(gzip.as_slice()).read_to_end(&mut read).unwrap();
        assert!(read == payload);
    }

    #[test]
    fn nothing_is_a_payload_too() {
        for encoding in [ContentEncoding::Snappy, ContentEncoding::Gzip] {
            let written = Encoder::new(Some(encoding)).finish();
            let mut read = Vec::new();
            match encoding {
                ContentEncoding::Gzip => GzDecoder::new(written.as_slice()).read_to_end(&mut read).unwrap(),
                _ => FrameDecoder::new(written.as_slice())
                    .read_to_end(&mut read)
                    .unwrap(),
            };
            assert!(read.is_empty());
        }
    }
}
