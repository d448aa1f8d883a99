//! Whole numbers of any size, as they are written.

use std::cmp::Ordering;
use std::fmt;

/// A whole number of any size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::stream) struct Decimal {
    is_negative: bool,
    /// From the lowest on, without zeros at the end: none for 0.
    digits: Vec<u8>,
}

impl Decimal {
    /// The number that a text says: a sign, if there is one, and digits.
    pub(in crate::stream) fn parse(text: &[u8]) -> Option<Self> {
        let (is_negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        is_number.then(|| {
            let digits = digits.iter().rev().map(|digit| digit - b'0').collect();
            Self { is_negative, digits }.trimmed()
        })
    }

    fn trimmed(mut self) -> Self {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
        self.is_negative &= !self.digits.is_empty();
        self
    }

    /// The sum.
    pub(in crate::stream) fn plus(&self, other: &Self) -> Self {
        if self.is_negative == other.is_negative {
            return Self {
                is_negative: self.is_negative,
                digits: sum(&self.digits, &other.digits),
            };
        }
        let (larger, smaller) = match compare(&self.digits, &other.digits) {
            Ordering::Less => (other, self),
            _ => (self, other),
        };
        let digits = difference(&larger.digits, &smaller.digits);
        let is_negative = larger.is_negative;
        Self { is_negative, digits }.trimmed()
    }

    /// The difference.
    pub(in crate::stream) fn minus(&self, other: &Self) -> Self {
        let negated = Self {
            is_negative: !other.is_negative,
            digits: other.digits.clone(),
        };
        self.plus(&negated.trimmed())
    }
}

fn compare(one: &[u8], other: &[u8]) -> Ordering {
    let by_length = one.len().cmp(&other.len());
    by_length.then_with(|| one.iter().rev().cmp(other.iter().rev()))
}

fn sum(one: &[u8], other: &[u8]) -> Vec<u8> {
    let length = one.len().max(other.len());
    let mut digits = Vec::with_capacity(length + 1);
    let mut carry = 0;
    for at in 0..length {
        let sum = one.get(at).unwrap_or(&0) + other.get(at).unwrap_or(&0) + carry;
        digits.push(sum % 10);
        carry = sum / 10;
    }
    if carry > 0 {
        digits.push(carry);
    }
    digits
}

fn difference(larger: &[u8], smaller: &[u8]) -> Vec<u8> {
    let mut borrowed = 0;
    let digits = larger.iter().enumerate().map(|(at, digit)| {
        let taken = smaller.get(at).unwrap_or(&0) + borrowed;
        borrowed = u8::from(*digit < taken);
        digit + 10 * borrowed - taken
    });
    digits.collect()
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_negative {
            out.write_str("-")?;
        }
        if self.digits.is_empty() {
            return out.write_str("0");
        }
        let digits: String = self
            .digits
            .iter()
            .rev()
            .map(|digit| char::from(digit + b'0'))
            .collect();
        out.write_str(&digits)
    }
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    #[test]
    fn adds() {
        for (one, other, sum) in [
            ("0", "0", "0"),
            ("1", "+5", "6"),
            ("6", "-2", "4"),
            ("4", "99999999999999999999999", "100000000000000000000003"),
            ("-1", "1", "0"),
            ("5", "-105", "-100"),
            ("-7", "-8", "-15"),
            ("1000", "-1", "999"),
            ("007", "-0", "7"),
        ] {
            let (one, other) = (
                Decimal::parse(one.as_bytes()).unwrap(),
                Decimal::parse(other.as_bytes()).unwrap(),
            );
            assert_eq!(one.plus(&other).to_string(), sum);
            assert_eq!(other.plus(&one).to_string(), sum);
        }
        for text in ["", "-", "x", "1x", "1_0", " 1", "--1", "1.0"] {
            assert_eq!(Decimal::parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn adds_as_machines_do() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..10_000 {
            let bits = random.u32(1..60);
            let mut draw = || i128::from(random.i64(-(1 << bits)..1 << bits));
            let (one, other) = (draw(), draw());
            let decimal = |number: i128| Decimal::parse(number.to_string().as_bytes()).unwrap();
            let sum = decimal(one).plus(&decimal(other));
            assert_eq!(sum.to_string(), (one + other).to_string());
        }
    }
}
