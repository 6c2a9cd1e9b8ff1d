//! SHA-256 as FIPS 180-4 writes it, so that the reference verifier shares no code with the crate.

/// First 32 bits of the fractional parts of the square (`root` 2) or cube (`root` 3) roots of the
/// first primes.
fn constants<const N: usize>(root: u32) -> [u32; N] {
    let mut found = [0; N];
    let primes = (2u128..).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0));
    for (slot, prime) in found.iter_mut().zip(primes) {
        // The whole number below root(prime) * 2^32, by bisection.
        let (mut low, mut high) = (0u128, 1 << 37);
        let target = |guess: u128| match root {
            2 => guess.pow(2) <= prime << 64,
            _ => guess.pow(3) <= prime << 96,
        };
        while high - low > 1 {
            let middle = (low + high) / 2;
            if target(middle) { low = middle } else { high = middle }
        }
        *slot = low as u32;
    }
    found
}

pub fn sha256(message: &[u8]) -> [u8; 32] {
    use std::sync::OnceLock;
    static H: OnceLock<[u32; 8]> = OnceLock::new();
    static K: OnceLock<[u32; 64]> = OnceLock::new();
    let mut state = *H.get_or_init(|| constants(2));
    let k = K.get_or_init(|| constants(3));

    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((message.len() as u64 * 8).to_be_bytes());

    for block in padded.chunks(64) {
        let mut w = [0u32; 64];
        for (at, word) in block.chunks(4).enumerate() {
            w[at] = u32::from_be_bytes([word[0], word[1], word[2], word[3]]);
        }
        for t in 16..64 {
            let s0 = w[t - 15].rotate_right(7) ^ w[t - 15].rotate_right(18) ^ (w[t - 15] >> 3);
            let s1 = w[t - 2].rotate_right(17) ^ w[t - 2].rotate_right(19) ^ (w[t - 2] >> 10);
            w[t] = w[t - 16].wrapping_add(s0).wrapping_add(w[t - 7]).wrapping_add(s1);
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
        for t in 0..64 {
            let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let choice = (e & f) ^ (!e & g);
            let first =
                h.wrapping_add(s1).wrapping_add(choice).wrapping_add(k[t]).wrapping_add(w[t]);
            let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let majority = (a & b) ^ (a & c) ^ (b & c);
            let second = s0.wrapping_add(majority);
            (h, g, f, e, d, c, b, a) =
                (g, f, e, d.wrapping_add(first), c, b, a, first.wrapping_add(second));
        }
        for (word, add) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *word = word.wrapping_add(add);
        }
    }
    let mut digest = [0; 32];
    for (bytes, word) in digest.chunks_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_vendors_vector() {
    assert_eq!(
        hex(&sha256(b"xxxxyyyy1669872112")),
        "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061"
    );
    assert_eq!(
        hex(&sha256(b"")),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}
