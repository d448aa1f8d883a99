//! Values, written. Each in the shortest of its forms.

/// Appends nothing, as a value.
pub fn write_nil(out: &mut Vec<u8>) {
    out.push(0xc0);
}

/// Appends a truth value.
pub fn write_bool(out: &mut Vec<u8>, value: bool) {
    out.push(if value { 0xc3 } else { 0xc2 });
}

/// Appends a whole number.
pub fn write_u64(out: &mut Vec<u8>, value: u64) {
    let bytes = value.to_be_bytes();
    match value {
        0..=0x7f => out.push(bytes[7]),
        0x80..=0xff => out.extend_from_slice(&[0xcc, bytes[7]]),
        0x100..=0xffff => tagged(out, 0xcd, &bytes[6..]),
        0x1_0000..=0xffff_ffff => tagged(out, 0xce, &bytes[4..]),
        _ => tagged(out, 0xcf, &bytes),
    }
}

/// Appends a whole number that may be below 0.
pub(super) fn write_i64(out: &mut Vec<u8>, value: i64) {
    let bytes = value.to_be_bytes();
    match value {
        0.. => write_u64(out, value.cast_unsigned()),
        -0x20..0 => out.push(bytes[7]),
        -0x80..0 => tagged(out, 0xd0, &bytes[7..]),
        -0x8000..0 => tagged(out, 0xd1, &bytes[6..]),
        -0x8000_0000..0 => tagged(out, 0xd2, &bytes[4..]),
        _ => tagged(out, 0xd3, &bytes),
    }
}

/// Appends a number with a fraction.
pub(super) fn write_f64(out: &mut Vec<u8>, value: f64) {
    tagged(out, 0xcb, &value.to_be_bytes());
}

/// Appends text.
pub fn write_str(out: &mut Vec<u8>, text: &[u8]) {
    let length = size(text.len());
    let bytes = length.to_be_bytes();
    match length {
        0..=0x1f => out.push(0xa0 | bytes[3]),
        0x20..=0xff => out.extend_from_slice(&[0xd9, bytes[3]]),
        0x100..=0xffff => tagged(out, 0xda, &bytes[2..]),
        _ => tagged(out, 0xdb, &bytes),
    }
    out.extend_from_slice(text);
}

/// Appends bytes.
pub fn write_bin(out: &mut Vec<u8>, content: &[u8]) {
    let length = size(content.len());
    let bytes = length.to_be_bytes();
    match length {
        0..=0xff => out.extend_from_slice(&[0xc4, bytes[3]]),
        0x100..=0xffff => tagged(out, 0xc5, &bytes[2..]),
        _ => tagged(out, 0xc6, &bytes),
    }
    out.extend_from_slice(content);
}

/// Appends the head of an array; so many values are to follow.
pub fn write_array(out: &mut Vec<u8>, count: u32) {
    let bytes = count.to_be_bytes();
    match count {
        0..=0x0f => out.push(0x90 | bytes[3]),
        0x10..=0xffff => tagged(out, 0xdc, &bytes[2..]),
        _ => tagged(out, 0xdd, &bytes),
    }
}

/// Appends the head of a map; so many pairs are to follow.
pub fn write_map(out: &mut Vec<u8>, count: u32) {
    let bytes = count.to_be_bytes();
    match count {
        0..=0x0f => out.push(0x80 | bytes[3]),
        0x10..=0xffff => tagged(out, 0xde, &bytes[2..]),
        _ => tagged(out, 0xdf, &bytes),
    }
}

fn tagged(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

/// Messages are far from being so large that a number of four bytes does not hold their parts.
fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
