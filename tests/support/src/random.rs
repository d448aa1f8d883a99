use fastrand::Rng;

/// The next `length` bytes of a sequence, of any value.
pub fn random_bytes(random: &mut Rng, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    bytes
}
