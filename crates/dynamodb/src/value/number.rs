//! Exact decimal numbers: up to 38 significant digits, magnitudes from 1e-130 to 9.99...e125.
//!
//! Invariant: a number has one form. Its coefficient ends in no zero, and zero is not negative and has no exponent;
//! so equal numbers are equal structures, whatever they were spelled as.

use std::cmp::Ordering;

/// The most significant digits that a number may have.
pub const MAX_DIGITS: u32 = 38;
/// The power of ten of the greatest leading digit.
pub const MAX_MAGNITUDE: i64 = 125;
/// The power of ten of the smallest leading digit.
pub const MIN_MAGNITUDE: i64 = -130;

/// An exact decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number {
    negative: bool,
    /// The significant digits as a whole number, below 10^38.
    coefficient: u128,
    /// The power of ten that the coefficient is multiplied with.
    exponent: i16,
}

/// Why a text or a result is not a number that can be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not a number's spelling at all.
    #[error("The parameter cannot be converted to a numeric value")]
    NotNumeric,
    /// Beyond 9.99...e125.
    #[error("Number overflow. Attempting to store a number with magnitude larger than supported range")]
    Overflow,
    /// Below 1e-130.
    #[error("Number underflow. Attempting to store a number with magnitude smaller than supported range")]
    Underflow,
    /// More than 38 significant digits.
    #[error("Attempting to store more than 38 significant digits in a Number")]
    TooManyDigits,
}

/// A number's spelling, taken apart.
struct Spelling<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl Number {
    /// Zero.
    pub const ZERO: Number = Number { negative: false, coefficient: 0, exponent: 0 };

    /// Reads a number as clients spell it: `-12.50`, `.5`, `1e3`.
    pub fn parse(text: &str) -> Result<Number, NumberError> {
        let spelling = Spelling::of(text.as_bytes()).ok_or(NumberError::NotNumeric)?;
        let digits = spelling.whole.iter().chain(spelling.fraction);
        let leading = digits.clone().take_while(|d| **d == b'0').count();
        let total = spelling.whole.len() + spelling.fraction.len();
        if leading == total {
            // Zero is measured by the exponent that it is written with.
            in_range(spelling.exponent.saturating_sub(length(spelling.fraction.len())))?;
            return Ok(Number::ZERO);
        }
        let magnitude = length(spelling.whole.len()) - 1 - length(leading);
        let magnitude = magnitude.saturating_add(spelling.exponent);
        in_range(magnitude)?;
        let trailing = digits.clone().rev().take_while(|d| **d == b'0').count();
        let significant = total - leading - trailing;
        if significant > MAX_DIGITS as usize {
            return Err(NumberError::TooManyDigits);
        }
        let coefficient = digits
            .skip(leading)
            .take(significant)
            .fold(0u128, |sum, digit| sum * 10 + u128::from(digit - b'0'));
        let exponent = magnitude - length(significant) + 1;
        Ok(Number { negative: spelling.negative, coefficient, exponent: small(exponent) })
    }

    /// From its parts, brought into the one form and checked against the limits.
    pub fn new(negative: bool, coefficient: u128, exponent: i64) -> Result<Number, NumberError> {
        if coefficient == 0 {
            return Ok(Number::ZERO);
        }
        let (mut coefficient, mut exponent) = (coefficient, exponent);
        while coefficient % 10 == 0 {
            coefficient /= 10;
            exponent += 1;
        }
        let digits = digits_of(coefficient);
        in_range(exponent.saturating_add(i64::from(digits)) - 1)?;
        if digits > MAX_DIGITS {
            return Err(NumberError::TooManyDigits);
        }
        Ok(Number { negative, coefficient, exponent: small(exponent) })
    }

    /// A whole number.
    pub fn from_u64(value: u64) -> Number {
        Number::new(false, u128::from(value), 0).unwrap_or(Number::ZERO)
    }

    /// The whole seconds that the number says, rounded down; none where it is beyond what a moment can be.
    pub fn floor_i64(&self) -> Option<i64> {
        if self.magnitude() >= 18 {
            return None;
        }
        let power = 10u128.checked_pow(u32::from(self.exponent.unsigned_abs()));
        let (whole, rest) = match power {
            Some(power) if self.exponent >= 0 => (self.coefficient.checked_mul(power)?, 0),
            Some(power) => (self.coefficient / power, self.coefficient % power),
            None => (0, self.coefficient),
        };
        let whole = i64::try_from(whole).ok()?;
        Some(if self.negative { -whole - i64::from(rest > 0) } else { whole })
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// The significant digits as a whole number.
    pub fn coefficient(&self) -> u128 {
        self.coefficient
    }

    /// The power of ten of the leading digit; 0 for zero.
    pub fn magnitude(&self) -> i64 {
        i64::from(self.exponent) + i64::from(digits_of(self.coefficient)) - 1
    }

    /// What it counts for in an item's size: a byte, one for each two digits before the point and after it, and one
    /// for a minus.
    pub fn size(&self) -> usize {
        if self.coefficient == 0 {
            return 1;
        }
        let digits = digits_of(self.coefficient) as usize;
        let magnitude = self.magnitude();
        let before = match usize::try_from(magnitude) {
            Ok(_) if self.exponent >= 0 => digits,
            Ok(magnitude) => magnitude + 1,
            Err(_) => 0,
        };
        1 + before.div_ceil(2) + (digits - before).div_ceil(2) + usize::from(self.negative)
    }

    /// The exact sum.
    pub fn plus(&self, other: &Number) -> Result<Number, NumberError> {
        if self.coefficient == 0 || other.coefficient == 0 {
            return Ok(if self.coefficient == 0 { *other } else { *self });
        }
        let (high, low) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let shift = u32::from(high.exponent.abs_diff(low.exponent));
        // Where the aligned coefficient does not fit, the sum has a digit above the 38th and one at the low end.
        let power = 10u128.checked_pow(shift).ok_or(NumberError::TooManyDigits)?;
        let aligned = high.coefficient.checked_mul(power).ok_or(NumberError::TooManyDigits)?;
        let exponent = i64::from(low.exponent);
        if high.negative == low.negative {
            let sum = aligned.checked_add(low.coefficient).ok_or(NumberError::TooManyDigits)?;
            return Number::new(high.negative, sum, exponent);
        }
        let high_is_greater = aligned >= low.coefficient;
        let negative = if high_is_greater { high.negative } else { low.negative };
        Number::new(negative, aligned.abs_diff(low.coefficient), exponent)
    }

    /// The exact difference.
    pub fn minus(&self, other: &Number) -> Result<Number, NumberError> {
        self.plus(&other.negated())
    }

    fn negated(&self) -> Number {
        Number { negative: !self.negative && self.coefficient != 0, ..*self }
    }

    /// Appends the number without an exponent, as it goes over the wire: `1000`, `0.5`, `-12.25`.
    pub fn write(&self, out: &mut Vec<u8>) {
        if self.coefficient == 0 {
            out.push(b'0');
            return;
        }
        if self.negative {
            out.push(b'-');
        }
        let mut buffer = [0; 40];
        let digits = ascii(self.coefficient, &mut buffer);
        let magnitude = self.magnitude();
        let Ok(magnitude) = usize::try_from(magnitude) else {
            out.extend_from_slice(b"0.");
            out.extend(std::iter::repeat_n(b'0', magnitude.unsigned_abs() as usize - 1));
            out.extend_from_slice(digits);
            return;
        };
        let whole = digits.len().min(magnitude + 1);
        out.extend_from_slice(&digits[..whole]);
        out.extend(std::iter::repeat_n(b'0', magnitude + 1 - whole));
        if whole < digits.len() {
            out.push(b'.');
            out.extend_from_slice(&digits[whole..]);
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = Vec::new();
        self.write(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        let sign = |n: &Number| i8::from(n.coefficient != 0) * if n.negative { -1 } else { 1 };
        let size = |n: &Number| {
            // Digits shifted to the same length compare as the numbers do where the magnitudes are equal.
            let shift = MAX_DIGITS - digits_of(n.coefficient).min(MAX_DIGITS);
            (n.magnitude(), n.coefficient * 10u128.pow(shift))
        };
        sign(self).cmp(&sign(other)).then_with(|| match sign(self) {
            0 => Ordering::Equal,
            1 => size(self).cmp(&size(other)),
            _ => size(other).cmp(&size(self)),
        })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a> Spelling<'a> {
    fn of(text: &'a [u8]) -> Option<Spelling<'a>> {
        let (negative, text) = sign(text);
        let (mantissa, exponent) = match text.iter().position(|b| matches!(b, b'e' | b'E')) {
            Some(at) => (&text[..at], exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let (whole, fraction) = match mantissa.iter().position(|b| *b == b'.') {
            Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
            None => (mantissa, &mantissa[mantissa.len()..]),
        };
        let digits = whole.iter().chain(fraction).all(u8::is_ascii_digit);
        let some = !whole.is_empty() || !fraction.is_empty();
        (digits && some).then_some(Spelling { negative, whole, fraction, exponent })
    }
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    }
}

/// An exponent that fits 64 bits, as AWS reads it.
fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = sign(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = std::str::from_utf8(digits).ok()?.parse::<i64>().ok()?;
    Some(if negative { -value } else { value })
}

fn in_range(magnitude: i64) -> Result<(), NumberError> {
    match magnitude {
        ..MIN_MAGNITUDE => Err(NumberError::Underflow),
        MIN_MAGNITUDE..=MAX_MAGNITUDE => Ok(()),
        _ => Err(NumberError::Overflow),
    }
}

/// How many decimal digits a coefficient has; one for zero.
pub fn digits_of(coefficient: u128) -> u32 {
    coefficient.checked_ilog10().map_or(1, |log| log + 1)
}

/// The coefficient's digits, without leading zeros.
pub fn ascii(coefficient: u128, buffer: &mut [u8; 40]) -> &[u8] {
    let mut left = coefficient;
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
        if left == 0 {
            return &buffer[at..];
        }
    }
}

fn length(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// An exponent that the range check has bounded.
fn small(exponent: i64) -> i16 {
    i16::try_from(exponent).unwrap_or(0)
}

#[cfg(test)]
mod tests;
