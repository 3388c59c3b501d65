//! Crockford base32 in lower case, as `TypeID` writes it. Canonical: one text a value.

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Encodes big-endian bytes, most significant bits first, the last character padded with zero bits.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(character(buffer >> bits));
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(character(buffer << (5 - bits)));
    }
    text
}

/// Encodes 128 bits as 26 characters, the first of them 0 to 7 (the `TypeID` form).
pub fn encode_u128(value: u128) -> String {
    (0..26).rev().map(|place| character(low_bits(value >> (place * 5)))).collect()
}

/// Decodes what [`encode_u128`] wrote; `None` for anything else.
pub fn decode_u128(text: &str) -> Option<u128> {
    if text.len() != 26 || text.as_bytes().first()? > &b'7' {
        return None;
    }
    text.bytes().try_fold(0_u128, |value, byte| {
        let digit = ALPHABET.iter().position(|letter| *letter == byte)?;
        Some((value << 5) | u128::try_from(digit).ok()?)
    })
}

fn low_bits(value: u128) -> u32 {
    u32::try_from(value & 31).unwrap_or_default()
}

fn character(value: u32) -> char {
    ALPHABET.get((value & 31) as usize).map_or('0', |byte| char::from(*byte))
}
