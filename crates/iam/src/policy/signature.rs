//! A quick no: which groups of three bytes a text holds, in 256 bits.
//!
//! A pattern can only match a text that holds every group of three bytes of the pattern's literal parts. Policies of a
//! big account have hundreds of resources that differ in a word; comparing four words of bits tells almost all of them
//! apart from the one that is asked about, before any is matched.

/// A set of groups of three bytes, some of which share a bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Signature([u64; 4]);

impl Signature {
    /// The groups of a text.
    pub(super) fn of(text: &str) -> Signature {
        let mut signature = Signature::default();
        signature.add(text);
        signature
    }

    /// Adds the groups of a text.
    pub(super) fn add(&mut self, text: &str) {
        for group in text.as_bytes().windows(3) {
            let number = u32::from_le_bytes([group[0], group[1], group[2], 0]);
            // Multiplying by a large odd number spreads the bits; the topmost depend on all of them.
            let bit = number.wrapping_mul(0x9E37_79B1) >> 24;
            self.0[(bit >> 6) as usize] |= 1 << (bit & 63);
        }
    }

    /// Whether a text with this signature may hold all that `part` needs.
    pub(super) fn may_hold(&self, part: &Signature) -> bool {
        self.0.iter().zip(&part.0).all(|(all, part)| part & !all == 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_holds_its_parts(before in "\\PC{0,8}", part in "\\PC{0,8}", after in "\\PC{0,8}") {
            let text = Signature::of(&format!("{before}{part}{after}"));
            prop_assert!(text.may_hold(&Signature::of(&part)));
        }
    }

    #[test]
    fn names_that_differ_in_a_word_are_told_apart() {
        let name = |n: u32| format!("arn:aws:dynamodb:us-east-1:111111111111:table/team{n}");
        let asked = Signature::of(&name(1234));
        let alike = (0..1000).filter(|n| asked.may_hold(&Signature::of(&name(*n)))).count();
        assert!(alike < 100, "{alike} of 1000 pass for the one asked about");
    }
}
