//! Numbers that look random and are the same for the same seed.
//!
//! Promises: the answer depends on the seed and on nothing else, on every machine. Does not:
//! suit anything secret; nothing in a pretend cluster is.

use std::fmt::Write as _;

/// Mixes `parts` into `seed`.
pub(crate) fn mix(seed: u64, parts: &[u64]) -> u64 {
    parts.iter().fold(scramble(seed), |hash, part| scramble(hash ^ scramble(*part)))
}

/// A number for a text.
pub(crate) fn text_number(text: &str) -> u64 {
    // FNV-1a: short, and stable over releases of Rust, which std's hashers do not promise.
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// One step of splitmix64.
const fn scramble(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A row of numbers from one seed.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The row that `seed` and `parts` name.
    pub(crate) fn new(seed: u64, parts: &[u64]) -> Self {
        Self(mix(seed, parts))
    }

    /// The next number.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = scramble(self.0);
        self.0
    }

    /// A number below `end`; 0 when there is none.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        match self.next().checked_rem(end) {
            Some(number) => number,
            None => 0,
        }
    }

    /// A number from `first` to `last`, both included.
    pub(crate) fn between(&mut self, first: u32, last: u32) -> u32 {
        let span = u64::from(last.saturating_sub(first)) + 1;
        first + u32::try_from(self.below(span)).expect("less than the span, which fits")
    }

    /// A number from 0 up to, without, 1.
    pub(crate) fn share(&mut self) -> f64 {
        share_of(self.next())
    }

    /// One of `choices`, which must not be empty.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let at = self.below(choices.len() as u64);
        &choices[usize::try_from(at).expect("less than a length")]
    }

    /// `length` hexadecimal digits.
    pub(crate) fn hex(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length + 16);
        self.hex_write(length, &mut text);
        text
    }

    /// The same, at the end of `text`.
    pub(crate) fn hex_write(&mut self, length: usize, text: &mut String) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let end = text.len() + length;
        while text.len() < end {
            let number = self.next();
            for digit in (0..16).rev().take(end - text.len()) {
                text.push(char::from(DIGITS[(number >> (digit * 4) & 15) as usize]));
            }
        }
    }

    /// A suffix as Kubernetes makes them: no vowels, so that no word arises.
    pub(crate) fn suffix(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..length).map(|_| char::from(*self.pick(LETTERS))).collect()
    }

    /// A UUID of version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let mut text = String::with_capacity(36);
        self.uuid_write(&mut text);
        text
    }

    /// The same, at the end of `text`.
    pub(crate) fn uuid_write(&mut self, text: &mut String) {
        let (a, b) = (self.next(), self.next());
        write!(
            text,
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            (b >> 48) & 0xfff,
            b & 0xffff_ffff_ffff
        )
        .expect("writing to a string cannot fail");
    }
}

/// The number as a share from 0 up to, without, 1.
pub(crate) fn share_of(number: u64) -> f64 {
    // 53 bits, as many as the mantissa of a double holds exactly.
    (number >> 11) as f64 / (1u64 << 53) as f64
}
