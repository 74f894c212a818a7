//! Numbers as bytes whose order is the numbers' order: in keys, and inside stored items, where a comparison is then
//! one of bytes.
//!
//! Zero is `80 00`. A positive number is two bytes `8000 + magnitude + 131`, its digits in pairs, each plus one, an odd
//! last digit as the tens of its pair, and a terminator `00`. A negative number is the complement of all of it.

use super::number::{MIN_MAGNITUDE, Number, ascii};

/// The leading bytes of zero: above every negative, below every positive number.
const ZERO: u16 = 0x8000;
/// What is added to a magnitude, so that the smallest is 1.
const BIAS: i64 = 1 - MIN_MAGNITUDE;

/// Appends the number's code, at most 22 bytes.
pub fn encode(number: &Number, out: &mut Vec<u8>) {
    if number.coefficient() == 0 {
        out.extend_from_slice(&ZERO.to_be_bytes());
        return;
    }
    let start = out.len();
    let head = ZERO + u16::try_from(number.magnitude() + BIAS).unwrap_or(0);
    out.extend_from_slice(&head.to_be_bytes());
    let mut buffer = [0; 40];
    for pair in ascii(number.coefficient(), &mut buffer).chunks(2) {
        let tens = pair[0] - b'0';
        let ones = pair.get(1).map_or(0, |digit| digit - b'0');
        out.push(tens * 10 + ones + 1);
    }
    out.push(0);
    if number.is_negative() {
        out[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}

/// The length of the code that `bytes` begin with; none where they begin with none.
pub fn length(bytes: &[u8]) -> Option<usize> {
    let (head, tail) = bytes.split_first_chunk::<2>()?;
    let head = u16::from_be_bytes(*head);
    if head == ZERO {
        return Some(2);
    }
    let terminator = if head > ZERO { 0x00 } else { 0xFF };
    Some(2 + tail.iter().take(20).position(|byte| *byte == terminator)? + 1)
}

/// Reads the code that `bytes` consist of.
pub fn decode(bytes: &[u8]) -> Option<Number> {
    let (head, tail) = bytes.split_first_chunk::<2>()?;
    let head = u16::from_be_bytes(*head);
    if head == ZERO {
        return tail.is_empty().then_some(Number::ZERO);
    }
    let negative = head < ZERO;
    let flip = |byte: u8| if negative { !byte } else { byte };
    let magnitude = i64::from((if negative { !head } else { head }) - ZERO) - BIAS;
    let (last, pairs) = tail.split_last()?;
    if flip(*last) != 0 || pairs.is_empty() || pairs.len() > 19 {
        return None;
    }
    let mut coefficient = 0u128;
    for &byte in pairs {
        let pair = flip(byte).checked_sub(1).filter(|pair| *pair < 100)?;
        coefficient = coefficient * 100 + u128::from(pair);
    }
    let digits = i64::try_from(pairs.len() * 2).ok()?;
    Number::new(negative, coefficient, magnitude - digits + 1).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = Number> {
        let digits = prop_oneof![0..100u128, 0..10u128.pow(38)];
        (any::<bool>(), digits, -140..100i64).prop_filter_map("in range", |(negative, digits, exponent)| {
            Number::new(negative, digits, exponent).ok()
        })
    }

    fn code(number: &Number) -> Vec<u8> {
        let mut out = Vec::new();
        encode(number, &mut out);
        out
    }

    /// An independent order: the expanded decimals, padded to the same shape, compared as text.
    fn padded(number: &Number) -> (bool, String) {
        let text = number.to_string();
        let text = text.trim_start_matches('-');
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        (number.is_negative(), format!("{whole:0>130}.{fraction:0<170}"))
    }

    proptest! {
        #[test]
        fn codes_read_back_and_delimit_themselves(a in number(), tail: Vec<u8>) {
            let mut bytes = code(&a);
            prop_assert!(bytes.len() <= 22);
            prop_assert_eq!(decode(&bytes), Some(a));
            let own = bytes.len();
            bytes.extend_from_slice(&tail);
            prop_assert_eq!(length(&bytes), Some(own));
        }

        #[test]
        fn codes_sort_as_the_decimals_do(a in number(), b in number()) {
            let expected = match (padded(&a), padded(&b)) {
                ((false, a), (false, b)) => a.cmp(&b),
                ((true, a), (true, b)) => b.cmp(&a),
                ((a, _), (b, _)) => b.cmp(&a),
            };
            prop_assert_eq!(code(&a).cmp(&code(&b)), expected);
            prop_assert_eq!(a.cmp(&b), expected);
        }

        #[test]
        fn printed_numbers_read_back(a in number()) {
            prop_assert_eq!(Number::parse(&a.to_string()), Ok(a));
        }

        #[test]
        fn damaged_codes_are_refused_without_panic(bytes: Vec<u8>) {
            if let Some(number) = decode(&bytes) {
                prop_assert!(number.coefficient() < 10u128.pow(38));
            }
            prop_assert!(length(&bytes).is_none_or(|end| end <= bytes.len()));
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            let _ = Number::parse(&text);
        }

        #[test]
        fn sums_undo(a in number(), b in number()) {
            if let Ok(sum) = a.plus(&b) {
                prop_assert_eq!(sum.minus(&b), Ok(a));
            }
        }
    }

    #[test]
    fn the_code_is_the_documented_one() {
        assert_eq!(code(&Number::ZERO), [0x80, 0x00]);
        assert_eq!(code(&Number::parse("1").unwrap()), [0x80, 0x83, 11, 0]);
        assert_eq!(code(&Number::parse("-1").unwrap()), [0x7F, 0x7C, 0xF4, 0xFF]);
        assert_eq!(code(&Number::parse("123").unwrap()), [0x80, 0x85, 13, 31, 0]);
    }
}
