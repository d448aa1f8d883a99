//! In: chunks become bytes.

use super::{CHECKSUM, COMPRESSED, HEADER, S2, SNAPPY, STREAM_IDENTIFIER, UNCOMPRESSED, checksum};

/// The data of a chunk at most, in bytes: as S2 has it, and as Snappy has it.
const S2_BLOCK: usize = 4 * 1024 * 1024;
const SNAPPY_BLOCK: usize = 64 * 1024;

/// Of what is held between two reads, so much room may stay.
const KEPT: usize = 64 * 1024;

/// Why a stream cannot be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// It is none, or is damaged.
    #[error("s2: corrupt input")]
    Corrupt,
    /// Something is in it that whoever does not know it must not pass over.
    #[error("s2: unsupported input")]
    Unsupported,
    /// What a chunk comes to is not what it was made of.
    #[error("s2: checksum mismatch")]
    Checksum,
}

/// One stream on its way in.
///
/// It holds one chunk at most, and what that comes to: as much as one that is valid needs. Of a chunk that is not whole it
/// holds no more than has come.
#[derive(Debug, Default)]
pub struct Reader {
    /// The data of a chunk at most; 0 before the stream has begun.
    block: usize,
    /// The beginning of a chunk.
    partial: Vec<u8>,
    /// So many bytes have to come that say nothing.
    skip: usize,
    /// What a chunk has come to for which there was no space.
    data: Vec<u8>,
    /// How much of that is taken.
    taken: usize,
}

impl Reader {
    /// Whether there are bytes to be [read](Self::read) without more input.
    pub fn holds_data(&self) -> bool {
        self.taken < self.data.len()
    }

    /// How many bytes are held: of a chunk, and of what one has come to.
    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize) {
        (self.partial.len(), self.data.len())
    }

    /// Takes from `input` what there is space for, and gives the number of bytes that are put there. Input that is left over
    /// comes first the next time. What it does is bounded by the input it takes, the space, and one chunk more.
    ///
    /// # Errors
    /// When the stream cannot be read; it cannot from then on.
    pub fn read(&mut self, input: &mut &[u8], space: &mut [u8]) -> Result<usize, StreamError> {
        let mut count = self.take_data(space);
        while count < space.len() && !self.holds_data() {
            let Some((kind, length)) = self.next_chunk(input)? else {
                break;
            };
            // A chunk that has come in parts is put together, any other is read where it is.
            let partial = std::mem::take(&mut self.partial);
            let chunk = match partial.is_empty() {
                true => {
                    let (chunk, rest) = input.split_at(HEADER + length);
                    *input = rest;
                    chunk
                }
                false => &partial,
            };
            let data = self.open(kind, &chunk[HEADER..], &mut space[count..])?;
            self.partial = reusable(partial);
            count += data;
            count += self.take_data(&mut space[count..]);
        }
        Ok(count)
    }

    /// Hands on what there was no space for.
    fn take_data(&mut self, space: &mut [u8]) -> usize {
        let rest = &self.data[self.taken..];
        let count = rest.len().min(space.len());
        space[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        if !self.holds_data() {
            self.data = reusable(std::mem::take(&mut self.data));
            self.taken = 0;
        }
        count
    }

    /// The type and the length of the next chunk that means something, once all of it has come: into what is held as partial
    /// if anything of it is, else in the input.
    fn next_chunk(&mut self, input: &mut &[u8]) -> Result<Option<(u8, usize)>, StreamError> {
        loop {
            let skipped = self.skip.min(input.len());
            self.skip -= skipped;
            *input = &input[skipped..];
            if input.is_empty() {
                return Ok(None);
            }
            if !self.partial.is_empty() {
                self.complete(input, HEADER);
            }
            let begun = match self.partial.is_empty() {
                true => *input,
                false => &self.partial,
            };
            let Some((&[kind, low, middle, high], _)) = begun.split_first_chunk::<HEADER>() else {
                self.complete(input, HEADER);
                return Ok(None);
            };
            let length = u32::from_le_bytes([low, middle, high, 0]) as usize;
            if self.may_be_skipped(kind, length)? {
                self.skip = HEADER + length - self.partial.len();
                self.partial = reusable(std::mem::take(&mut self.partial));
                continue;
            }
            let whole = HEADER + length;
            if self.partial.is_empty() && input.len() >= whole {
                return Ok(Some((kind, length)));
            }
            self.complete(input, whole);
            return Ok((self.partial.len() == whole).then_some((kind, length)));
        }
    }

    /// Takes as much input as is missing for so many bytes of a chunk.
    fn complete(&mut self, input: &mut &[u8], whole: usize) {
        let missing = whole.saturating_sub(self.partial.len());
        let (more, rest) = input.split_at(missing.min(input.len()));
        self.partial.extend_from_slice(more);
        *input = rest;
    }

    /// Looks at a header: before anything is held for a chunk, it has to be one that there may be.
    fn may_be_skipped(&self, kind: u8, length: usize) -> Result<bool, StreamError> {
        let has_begun = self.block > 0;
        let may_be = match kind {
            STREAM_IDENTIFIER => length == S2.len(),
            _ if !has_begun => false,
            COMPRESSED => {
                let most = minlz::max_encoded_len(self.block).unwrap_or(self.block);
                (CHECKSUM..=CHECKSUM + most).contains(&length)
            }
            UNCOMPRESSED => (CHECKSUM..=CHECKSUM + self.block).contains(&length),
            0x80..STREAM_IDENTIFIER => return Ok(true),
            _ => return Err(StreamError::Unsupported),
        };
        match may_be {
            true => Ok(false),
            false => Err(StreamError::Corrupt),
        }
    }

    /// What is in a whole chunk goes to the space, if there is enough for all of it, else is held. Gives how much is there.
    fn open(&mut self, kind: u8, body: &[u8], space: &mut [u8]) -> Result<usize, StreamError> {
        if kind == STREAM_IDENTIFIER {
            self.block = match body {
                _ if body == S2 => S2_BLOCK,
                _ if body == SNAPPY => SNAPPY_BLOCK,
                _ => return Err(StreamError::Corrupt),
            };
            return Ok(0);
        }
        let (expected, body) = body.split_first_chunk::<CHECKSUM>().ok_or(StreamError::Corrupt)?;
        let length = match kind {
            COMPRESSED => minlz::decode_len(body).map_err(|_| StreamError::Corrupt)?.0,
            _ => body.len(),
        };
        if length > self.block {
            return Err(StreamError::Corrupt);
        }
        let fits = length <= space.len();
        let data = match fits {
            true => &mut space[..length],
            false => {
                self.data.resize(length, 0);
                &mut self.data[..]
            }
        };
        match kind {
            COMPRESSED => {
                minlz::decode_into(data, body).map_err(|_| StreamError::Corrupt)?;
            }
            _ => data.copy_from_slice(body),
        }
        if checksum(data) != u32::from_le_bytes(*expected) {
            return Err(StreamError::Checksum);
        }
        Ok(if fits { length } else { 0 })
    }
}

/// Room that is not too much to be kept.
fn reusable(mut room: Vec<u8>) -> Vec<u8> {
    if room.capacity() > KEPT {
        return Vec::new();
    }
    room.clear();
    room
}
