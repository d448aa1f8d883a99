//! Numbers and bytes, as they stand in files: little endian, and variable lengths of seven bits a byte.

/// Takes fields off the front of bytes. What is not there, or too large, is None.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    fn array<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        self.bytes(LENGTH)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        Some(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn variable(&mut self) -> Option<u64> {
        // Most are short, and directories have hundreds of thousands.
        match *self.rest {
            [one @ ..0x80, ref rest @ ..] => {
                self.rest = rest;
                Some(u64::from(one))
            }
            [one, two @ ..0x80, ref rest @ ..] => {
                self.rest = rest;
                Some(u64::from(one & 0x7f) | u64::from(two) << 7)
            }
            [one, two, three @ ..0x80, ref rest @ ..] => {
                self.rest = rest;
                let (one, two) = (u64::from(one & 0x7f), u64::from(two & 0x7f));
                Some(one | two << 7 | u64::from(three) << 14)
            }
            _ => self.long_variable(),
        }
    }

    fn long_variable(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for place in 0..10 {
            let byte = self.u8()?;
            let part = u64::from(byte & 0x7f);
            if place == 9 && part > 1 {
                return None;
            }
            value |= part << (7 * place);
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A variable number that says how many of something there are.
    pub(crate) fn count(&mut self) -> Option<usize> {
        self.variable().and_then(|count| usize::try_from(count).ok())
    }

    /// Bytes behind their length.
    pub(crate) fn sized(&mut self) -> Option<&'a [u8]> {
        let length = self.count()?;
        self.bytes(length)
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Puts fields behind bytes.
pub(crate) trait PutFields {
    fn put(&mut self, bytes: &[u8]);

    fn put_u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    fn put_u16(&mut self, value: u16) {
        self.put(&value.to_le_bytes());
    }

    fn put_u32(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.put(&value.to_le_bytes());
    }

    fn put_variable(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.put_u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.put_u8(value as u8);
    }

    fn put_count(&mut self, count: usize) {
        self.put_variable(count as u64);
    }

    fn put_sized(&mut self, bytes: &[u8]) {
        self.put_count(bytes.len());
        self.put(bytes);
    }
}

impl PutFields for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read() {
        let mut bytes = Vec::new();
        bytes.put_u8(1);
        bytes.put_u16(2);
        bytes.put_u32(3);
        bytes.put_u64(4);
        for shift in 0..64 {
            bytes.put_variable(1 << shift);
        }
        bytes.put_variable(u64::MAX);
        bytes.put_sized(b"five");
        let mut fields = Fields::new(&bytes);
        assert_eq!(fields.u8(), Some(1));
        assert_eq!(fields.u16(), Some(2));
        assert_eq!(fields.u32(), Some(3));
        assert_eq!(fields.u64(), Some(4));
        for shift in 0..64 {
            assert_eq!(fields.variable(), Some(1 << shift));
        }
        assert_eq!(fields.variable(), Some(u64::MAX));
        assert_eq!(fields.sized(), Some(&b"five"[..]));
        assert!(fields.is_at_end());
    }

    #[test]
    fn what_is_not_there_is_not_read() {
        assert_eq!(Fields::new(&[1, 2, 3]).u32(), None);
        assert_eq!(Fields::new(&[5, 1]).sized(), None);
        assert_eq!(Fields::new(&[0xff; 9]).variable(), None);
        assert_eq!(Fields::new(&[0xff; 10]).variable(), None);
        assert_eq!(
            Fields::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).variable(),
            None
        );
    }
}
