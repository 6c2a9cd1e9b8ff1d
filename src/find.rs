//! Where the parameters of a URL and the strings of a body end.

/// The first place of either byte, eight bytes at a time.
///
/// A tenth of a request's instructions are spent here; `memchr`, made for longer texts, takes half
/// as many again.
pub(crate) fn find<const A: u8, const B: u8>(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    // Sets the high bit of each byte of `word` that is zero. Bits above the first such byte may be
    // wrong, so only the lowest one counts.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let hits =
            zeros(word ^ u64::from_ne_bytes([A; 8])) | zeros(word ^ u64::from_ne_bytes([B; 8]));
        if hits != 0 {
            return Some(index * 8 + hits.trailing_zeros() as usize / 8);
        }
    }
    let at = rest.iter().position(|byte| *byte == A || *byte == B)?;
    Some(words.len() * 8 + at)
}
