//! FNV-1a, a hash that clients and other servers compute as well: what goes by it goes the same way everywhere.

const BASIS: u32 = 0x811c_9dc5;
const PRIME: u32 = 0x0100_0193;

/// The hash of 32 bits of these texts, one behind the other.
pub fn fnv_1a<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> u32 {
    texts
        .into_iter()
        .flatten()
        .fold(BASIS, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(PRIME))
}
