//! Inputs made of seeds: bytes changed, pieces moved, doubled, taken from other seeds or from words that mean
//! something to some parser. The same number makes the same input.

/// What parsers look for.
const WORDS: &[&str] = &[
    "{", "}", "[", "]", "\"", "\\", ":", ",", "null", "true", "-", "1e400", "9223372036854775808", "\\ud83d", "\\u0000",
    "<", "/>", "</", "<![CDATA[", "]]>", "&", "&#1114112;", "&amp;", "<!DOCTYPE", "xmlns:", "%", "%2F", "%ff", "+", "&",
    "=", ".member.", ".entry.1.key", ".1", "..", "//", "?", ";", "\r\n", "\n", "0;chunk-signature=", "*", "${", "$",
    "(", ")", " AND ", " OR ", "NOT ", "BETWEEN", "#a", ":v", "size(", "SET ", "ADD ", "!Sub", "!Ref", "&a", "*a", "- ",
    "Fn::", "\u{feff}", "漢", "😀", "\0",
];
/// The longest input that is made, in bytes.
const MAX_BYTES: usize = 8 << 10;

/// Random numbers that are the same for the same start.
pub struct Dice(u64);

impl Dice {
    /// Dice that start at `seed`.
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or_default() % sides.max(1)
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.roll(length + 1);
        start..start + self.roll((length - start).min(64) + 1)
    }
}

/// An input made of one of `seeds`, which are not none.
pub fn mutate(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut input = seeds[dice.roll(seeds.len())].clone();
    for _ in 0..=dice.roll(6) {
        step(&mut input, seeds, dice);
    }
    input.truncate(MAX_BYTES);
    input
}

fn step(input: &mut Vec<u8>, seeds: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.roll(input.len() + 1);
    let piece = match dice.roll(8) {
        0 if at < input.len() => {
            input[at] ^= 1 << dice.roll(8);
            return;
        }
        1 => {
            input.drain(dice.range(input.len()));
            return;
        }
        2 => vec![dice.roll(256) as u8],
        3 => input[dice.range(input.len())].to_vec(),
        4 => {
            let other = &seeds[dice.roll(seeds.len())];
            other[dice.range(other.len())].to_vec()
        }
        5 => {
            let range = dice.range(input.len());
            input[range].repeat(dice.roll(200))
        }
        _ => WORDS[dice.roll(WORDS.len())].as_bytes().to_vec(),
    };
    input.splice(at..at, piece);
}
