//! Numbers as text.

use std::cmp::Ordering;
use std::io::Write as _;

/// The number of a JSON text that is known to be one; what is too large for a double becomes an infinity, as in jq.
pub fn read(text: &[u8]) -> f64 {
    if let Some(value) = read_short(text) {
        return value;
    }
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}

/// A number of at most 15 digits without exponent, the most of all numbers: its digits and the power of ten below them
/// are exact in a double, so one division rounds it right.
fn read_short(text: &[u8]) -> Option<f64> {
    const TENS: [f64; 16] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.len() > 16 {
        return None;
    }
    let (mut value, mut count, mut behind) = (0_u64, 0, None);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + u64::from(byte - b'0');
                count += 1;
            }
            b'.' => behind = Some(count),
            _ => return None,
        }
    }
    if count > 15 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "15 digits are exact")]
    let value = value as f64 / TENS.get(behind.map_or(0, |behind: usize| count - behind))?;
    Some(if digits.len() == text.len() { value } else { -value })
}

/// Compares two numbers of JSON by all of their digits.
#[cfg_attr(ambassador_small, optimize(size))]
pub fn compare_texts(a: &str, b: &str) -> Ordering {
    let (a, b) = (Decimal::new(a), Decimal::new(b));
    if a.negative != b.negative {
        return b.negative.cmp(&a.negative);
    }
    let order = a.point.cmp(&b.point).then_with(|| a.digits().cmp(b.digits()));
    if a.negative { order.reverse() } else { order }
}

/// A number: 0.digits times ten to the power of `point`, without zeros at either end of the digits.
struct Decimal<'a> {
    negative: bool,
    text: &'a str,
    point: i64,
}

impl<'a> Decimal<'a> {
    #[cfg_attr(ambassador_small, optimize(size))]
    fn new(text: &'a str) -> Self {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (text, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        // What has more digits than fit is beyond all else.
        let exponent: i64 =
            exponent.parse().unwrap_or(if exponent.starts_with('-') { -1 << 40 } else { 1 << 40 });
        let before = text.find('.').unwrap_or(text.len());
        let first = text.find(|c: char| c.is_ascii_digit() && c != '0');
        let Some(first) = first else { return Self { negative: false, text: "", point: i64::MIN } };
        let length = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
        let point = if first < before { length(before - first) } else { -length(first - before - 1) };
        let text = text.get(first..).unwrap_or_default().trim_end_matches(['0', '.']);
        Self { negative, text, point: point + exponent }
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.text.bytes().filter(u8::is_ascii_digit)
    }
}

/// Appends a computed number as jq 1.8 writes it: the shortest digits that give the same double back, with an exponent
/// where there would be many zeros. JSON has no NaN, which becomes null, and no infinity, which becomes the largest
/// double.
pub fn write(value: f64, output: &mut Vec<u8>) {
    if value.is_nan() {
        output.extend_from_slice(b"null");
        return;
    }
    let value = value.clamp(f64::MIN, f64::MAX);
    if value.fract() == 0.0 && value.abs() < 1e15 {
        #[expect(clippy::cast_possible_truncation, reason = "below 10^15")]
        let integer = value as i64;
        if integer != 0 || value.is_sign_positive() {
            super::append(output, itoa::Buffer::new().format(integer).as_bytes());
            return;
        }
    }
    if write_short(value, output) {
        return;
    }
    // `-1.2345e-7`: the digits and where their point belongs.
    let mut buffer = Vec::with_capacity(32);
    let _ = write!(buffer, "{value:e}");
    let text = std::str::from_utf8(&buffer).unwrap_or("0e0");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |mantissa| ("-", mantissa));
    let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    output.extend_from_slice(sign.as_bytes());
    layout(&digits, exponent + 1, output);
}

/// A number with few digits behind its point, such as a price. Two decimals of at most 15 digits are never the same
/// double, so the first that gives the number back is the shortest.
fn write_short(value: f64, output: &mut Vec<u8>) -> bool {
    const TENS: [(f64, i64); 4] = [(1e1, 10), (1e2, 100), (1e3, 1_000), (1e4, 10_000)];
    let size = value.abs();
    if !(1e-4..1e10).contains(&size) {
        return false;
    }
    for (at, (ten, unit)) in TENS.into_iter().enumerate() {
        let scaled = (size * ten).round();
        #[expect(clippy::float_cmp, reason = "nothing but the very number will do")]
        if scaled / ten == size {
            #[expect(clippy::cast_possible_truncation, reason = "below 10^14")]
            let scaled = scaled as i64;
            if value < 0.0 {
                output.push(b'-');
            }
            let mut buffer = itoa::Buffer::new();
            super::append(output, buffer.format(scaled / unit).as_bytes());
            output.push(b'.');
            let digits = buffer.format(scaled % unit).as_bytes();
            output.extend(std::iter::repeat_n(b'0', (at + 1).saturating_sub(digits.len())));
            output.extend_from_slice(digits);
            return true;
        }
    }
    false
}

/// Writes digits whose decimal point stands behind the first `point` of them.
#[cfg_attr(ambassador_small, optimize(size))]
fn layout(digits: &[u8], point: i32, output: &mut Vec<u8>) {
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    if point <= -4 || point > count + 15 {
        let (first, rest) = digits.split_at(1.min(digits.len()));
        output.extend_from_slice(first);
        if !rest.is_empty() {
            output.push(b'.');
            output.extend_from_slice(rest);
        }
        let exponent = point - 1;
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(output, "e{sign}{:02}", exponent.abs());
        return;
    }
    let zeros = |count: i32| std::iter::repeat_n(b'0', usize::try_from(count).unwrap_or(0));
    if point <= 0 {
        output.extend_from_slice(b"0.");
        output.extend(zeros(-point));
        output.extend_from_slice(digits);
        return;
    }
    let (before, after) = digits.split_at(usize::try_from(point).unwrap_or(0).min(digits.len()));
    output.extend_from_slice(before);
    output.extend(zeros(point - count));
    if !after.is_empty() {
        output.push(b'.');
        output.extend_from_slice(after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, expected: &str) {
        let mut output = Vec::new();
        write(value, &mut output);
        assert_eq!(String::from_utf8(output).unwrap(), expected);
    }

    #[test]
    fn writes_as_jq_does() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (1e15, "1000000000000000"),
            (1e16, "1e+16"),
            (1e17, "1e+17"),
            (1.5e17, "1.5e+17"),
            (123e15, "123000000000000000"),
            (12e16, "1.2e+17"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (123_456_789_012_345_678_901_234_567_890.0, "123456789012345680000000000000"),
            (1.234e25, "1.234e+25"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e-300, "1e-300"),
            (5e-324, "5e-324"),
            (1.0 / 3.0, "0.3333333333333333"),
            (100.0 / 3.0, "33.333333333333336"),
            (1e17 / 3.0, "33333333333333332"),
            (0.1 + 0.2, "0.30000000000000004"),
            (21.98, "21.98"),
            (-0.05, "-0.05"),
            (1.005, "1.005"),
            (100.25, "100.25"),
            (9_999_999_999.5, "9999999999.5"),
            (0.3 * 3.0, "0.8999999999999999"),
            (f64::INFINITY, "1.7976931348623157e+308"),
            (f64::NEG_INFINITY, "-1.7976931348623157e+308"),
            (f64::NAN, "null"),
        ] {
            check(value, expected);
        }
    }

    #[test]
    fn what_is_written_reads_as_the_same_double() {
        let mut state = 1_u64;
        for _ in 0..100_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = f64::from_bits(state);
            if value.is_finite() {
                let mut output = Vec::new();
                write(value, &mut output);
                assert_eq!(read(&output).to_bits(), value.to_bits(), "{}", String::from_utf8_lossy(&output));
            }
        }
    }

    #[test]
    fn few_digits_are_written_as_the_standard_library_does() {
        let mut state = 1_u64;
        for _ in 0..100_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            #[expect(clippy::cast_precision_loss)]
            let value =
                (state >> 34) as f64 / [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 7.0][(state >> 20) as usize % 7];
            if value >= 1e-3 {
                check(value, &format!("{value}"));
            }
        }
    }

    #[test]
    fn compares_all_digits() {
        for (a, b, expected) in [
            ("100000000000000000000", "100000000000000000001", Ordering::Less),
            ("1e20", "100000000000000000000", Ordering::Equal),
            ("1.50", "15e-1", Ordering::Equal),
            ("-2", "1", Ordering::Less),
            ("-2", "-1", Ordering::Less),
            ("0.00", "-0", Ordering::Equal),
            ("0.001", "0.01", Ordering::Less),
            ("1000", "0.0001e8", Ordering::Less),
            ("1e99999999999999999999", "1e9", Ordering::Greater),
        ] {
            assert_eq!(compare_texts(a, b), expected, "{a} {b}");
            assert_eq!(compare_texts(b, a), expected.reverse(), "{b} {a}");
        }
    }

    #[test]
    fn reads() {
        for (text, expected) in [
            ("0", 0.0),
            ("-0", -0.0),
            ("123456789012345", 123_456_789_012_345.0),
            ("12345678901234567890", 12_345_678_901_234_567_890.0),
            ("1.10", 1.1),
            ("1E5", 1e5),
            ("1e1000", f64::INFINITY),
            ("-1e1000", f64::NEG_INFINITY),
            ("1e-1000", 0.0),
        ] {
            assert_eq!(read(text.as_bytes()).to_bits(), expected.to_bits(), "{text}");
        }
    }
}
