//! Base64 of RFC 4648, section 4, with padding. Its tables are indexed by ciphertext, which is
//! public.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Two characters for each twelve bits.
static PAIRS: [[u8; 2]; 4096] = {
    let mut pairs = [[0; 2]; 4096];
    let mut bits = 0;
    while bits < 4096 {
        pairs[bits] = [ALPHABET[bits >> 6], ALPHABET[bits & 63]];
        bits += 1;
    }
    pairs
};

/// What no character stands for.
const WRONG: u8 = 0xff;

/// Six bits for each character.
static SIXES: [u8; 256] = {
    let mut sixes = [WRONG; 256];
    let mut bits = 0;
    while bits < 64 {
        sixes[ALPHABET[bits] as usize] = bits as u8;
        bits += 1;
    }
    sixes
};

/// Return how many characters some bytes have.
pub fn size(bytes: usize) -> usize {
    (bytes + 2) / 3 * 4
}

/// Encode the first `count` bytes, behind which eight more stand, into as many characters as `size`
/// says.
pub fn encode(spared: &[u8], count: usize, out: &mut [u8]) {
    let (sixes, left) = (count / 6, count % 6);
    let (body, tail) = out[..size(count)].split_at_mut(8 * sixes);
    for (number, eight) in body.chunks_exact_mut(8).enumerate() {
        eight.copy_from_slice(&eight_of(&spared[6 * number..][..8], !0));
    }
    let mut last = eight_of(&spared[6 * sixes..][..8], !(!0 >> (8 * left)));
    last[(8 * left + 5) / 6..].fill(b'=');
    tail.copy_from_slice(&last[..tail.len()]);
}

#[inline(always)]
fn eight_of(bytes: &[u8], mask: u64) -> [u8; 8] {
    let word = u64::from_be_bytes(bytes.try_into().unwrap()) & mask;
    let pair = |shift: u32| u64::from(u16::from_le_bytes(PAIRS[(word >> shift) as usize & 4095]));
    (pair(52) | (pair(40) << 16) | (pair(28) << 32) | (pair(16) << 48)).to_le_bytes()
}

/// Decode; return how many bytes it were, or None if it is not the canonical form of any.
pub fn decode(text: &[u8], out: &mut [u8]) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    if text.len() % 4 != 0 {
        return None;
    }
    let size = text.len() / 4 * 3;
    let (body, last) = text.split_at(text.len() - 4);
    let (out, end) = out[..size].split_at_mut(size - 3);
    let mut wrong = 0;
    let mut three_of = |four: &[u8]| {
        let six = |place: usize| u32::from(SIXES[usize::from(four[place])]);
        let (a, b, c, d) = (six(0), six(1), six(2), six(3));
        wrong |= a | b | c | d;
        (a << 26 | b << 20 | c << 14 | d << 8).to_be_bytes()
    };
    for (four, three) in body.chunks_exact(4).zip(out.chunks_exact_mut(3)) {
        three.copy_from_slice(&three_of(four)[..3]);
    }
    let missing = last.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    // An A stands for zeros.
    let padded = [0, 1, 2, 3].map(|place| if place < 4 - missing { last[place] } else { b'A' });
    let three = three_of(&padded);
    // The bits that are not used must be zero, or a changed character could pass.
    if wrong > 63 || three[3 - missing..].iter().any(|byte| *byte != 0) {
        return None;
    }
    end.copy_from_slice(&three[..3]);
    Some(size - missing)
}
