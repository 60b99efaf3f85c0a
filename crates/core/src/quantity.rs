//! How Kubernetes writes numbers: `100m`, `1.5`, `2Gi`, `1e3`.
//!
//! Promises: the value that Go's `resource.ParseQuantity` has, rounded up to a whole unit as
//! Kubernetes does, computed exactly. Does not: accept a negative quantity, which nothing that we
//! read may have, nor cap what does not fit; that is an error.

/// Why a text is no quantity that we can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuantityRefusal {
    /// Not a number with one of the known suffixes.
    #[error("this is not a Kubernetes quantity")]
    Form,
    /// Below zero.
    #[error("this quantity is negative")]
    Negative,
    /// Above 2^63 - 1 units.
    #[error("this quantity is too large")]
    Overflow,
}

/// Most digits that are looked at one by one; more of them overflow or do not matter.
const DIGITS_MAX: u32 = 30;

/// Thousandths of a core, rounded up.
pub fn quantity_millicores(text: &str) -> Result<u64, QuantityRefusal> {
    Quantity::parse(text)?.round_up(3)
}

/// Bytes, or anything else that is counted whole, rounded up.
pub fn quantity_units(text: &str) -> Result<u64, QuantityRefusal> {
    Quantity::parse(text)?.round_up(0)
}

/// `digits × 10^ten × 2^two`, and a little more if `inexact`.
struct Quantity {
    digits: u128,
    ten: i32,
    two: u32,
    inexact: bool,
}

impl Quantity {
    fn parse(text: &str) -> Result<Self, QuantityRefusal> {
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let end =
            unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(QuantityRefusal::Form);
        }
        let (ten, two) = suffix_read(suffix)?;
        let mut quantity = Self { digits: 0, ten, two, inexact: false };
        quantity.take_digits(whole, fraction)?;
        if negative && !quantity.is_zero() {
            return Err(QuantityRefusal::Negative);
        }
        Ok(quantity)
    }

    fn take_digits(&mut self, whole: &str, fraction: &str) -> Result<(), QuantityRefusal> {
        let mut taken = 0;
        for (position, digit) in whole.bytes().chain(fraction.bytes()).enumerate() {
            let in_fraction = position >= whole.len();
            let digit = u128::from(digit - b'0');
            if self.digits == 0 && digit == 0 {
                self.ten -= i32::from(in_fraction);
                continue;
            }
            taken += 1;
            if taken <= DIGITS_MAX {
                self.digits = self.digits * 10 + digit;
                self.ten =
                    self.ten.checked_sub(i32::from(in_fraction)).ok_or(QuantityRefusal::Form)?;
            } else if in_fraction {
                self.inexact |= digit != 0;
            } else {
                return Err(QuantityRefusal::Overflow);
            }
        }
        Ok(())
    }

    const fn is_zero(&self) -> bool {
        self.digits == 0 && !self.inexact
    }

    /// The value times `10^scale`, rounded up.
    fn round_up(&self, scale: i32) -> Result<u64, QuantityRefusal> {
        if self.is_zero() {
            return Ok(0);
        }
        let ten = self.ten.saturating_add(scale);
        // Anything this small rounds up to one; anything this large does not fit.
        if ten < -60 {
            return Ok(1);
        }
        let power = |exponent: i32| 10_u128.checked_pow(exponent.unsigned_abs());
        let (value, more) = if ten >= 0 {
            let factor = power(ten).ok_or(QuantityRefusal::Overflow)?;
            let factor = factor.checked_shl(self.two).filter(|it| it >> self.two == factor);
            let value = factor.and_then(|it| self.digits.checked_mul(it));
            (value.ok_or(QuantityRefusal::Overflow)?, self.inexact)
        } else {
            divide(self.digits, self.two, ten.unsigned_abs(), self.inexact)?
        };
        let value = value.checked_add(u128::from(more)).ok_or(QuantityRefusal::Overflow)?;
        i64::try_from(value)
            .ok()
            .and_then(|it| u64::try_from(it).ok())
            .ok_or(QuantityRefusal::Overflow)
    }
}

/// `digits × 2^two ÷ 10^ten`, rounded down, and whether anything was left over.
fn divide(
    digits: u128,
    two: u32,
    ten: u32,
    inexact: bool,
) -> Result<(u128, bool), QuantityRefusal> {
    // 10^ten = 2^ten × 5^ten: what halves away is never multiplied in.
    let (two, halves) = (two - two.min(ten), ten - two.min(ten));
    let digits_shifted = digits.checked_shl(two).filter(|it| it >> two == digits);
    let value = digits_shifted.ok_or(QuantityRefusal::Overflow)?;
    let mut left_over = inexact;
    let mut rest = value;
    for _ in 0..ten {
        left_over |= rest % 5 != 0;
        rest /= 5;
    }
    for _ in 0..halves {
        left_over |= rest % 2 != 0;
        rest /= 2;
    }
    Ok((rest, left_over))
}

/// Powers of ten and of two that a suffix stands for.
fn suffix_read(suffix: &str) -> Result<(i32, u32), QuantityRefusal> {
    Ok(match suffix {
        "" => (0, 0),
        "n" => (-9, 0),
        "u" => (-6, 0),
        "m" => (-3, 0),
        "k" => (3, 0),
        "M" => (6, 0),
        "G" => (9, 0),
        "T" => (12, 0),
        "P" => (15, 0),
        "E" => (18, 0),
        "Ki" => (0, 10),
        "Mi" => (0, 20),
        "Gi" => (0, 30),
        "Ti" => (0, 40),
        "Pi" => (0, 50),
        "Ei" => (0, 60),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E']).ok_or(QuantityRefusal::Form)?;
            let digits = exponent.trim_start_matches(['-', '+']);
            if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
                return Err(QuantityRefusal::Form);
            }
            let exponent = exponent.parse::<i32>().map_err(|_| QuantityRefusal::Form)?;
            (exponent.clamp(-10_000, 10_000), 0)
        }
    })
}

#[cfg(test)]
mod tests;
