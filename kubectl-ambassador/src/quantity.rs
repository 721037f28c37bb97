//! Kubernetes' quantities, `100m` or `64Mi`, as numbers that can be added and compared.

use serde_json::Value;

/// As objects have it: a text, or a number where a manifest has no quotes.
pub(crate) fn read(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => parse(text),
        Value::Number(number) => parse(&number.to_string()),
        _ => None,
    }
}

/// In billionths of the unit, the smallest that Kubernetes knows. `None` if it is none, or larger than any real one.
pub(crate) fn parse(text: &str) -> Option<i128> {
    let at = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(at);
    let scale = scale(suffix)?;
    let (negative, digits) = match number.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.len() > 18 {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let divisor = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let value = digits.checked_mul(scale)? / divisor;
    Some(if negative { -value } else { value })
}

fn scale(suffix: &str) -> Option<i128> {
    const UNIT: i128 = 1_000_000_000;
    let power = |of: i128, times: u32| of.checked_pow(times)?.checked_mul(UNIT);
    match suffix {
        "n" => Some(1),
        "u" => Some(1_000),
        "m" => Some(1_000_000),
        "" => Some(UNIT),
        "k" => power(1_000, 1),
        "M" => power(1_000, 2),
        "G" => power(1_000, 3),
        "T" => power(1_000, 4),
        "P" => power(1_000, 5),
        "E" => power(1_000, 6),
        "Ki" => power(1_024, 1),
        "Mi" => power(1_024, 2),
        "Gi" => power(1_024, 3),
        "Ti" => power(1_024, 4),
        "Pi" => power(1_024, 5),
        "Ei" => power(1_024, 6),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?.parse::<u32>().ok()?;
            power(10, exponent.min(20))
        }
    }
}

/// As people write it, in a form that keeps it whole.
pub(crate) fn print(value: i128) -> String {
    const UNIT: i128 = 1_000_000_000;
    let binary = [(1_i128 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki")];
    if value % UNIT != 0 {
        return format!("{}m", value / 1_000_000);
    }
    let whole = value / UNIT;
    match binary.iter().find(|(size, _)| whole >= *size && whole % size == 0) {
        Some((size, suffix)) => format!("{}{suffix}", whole / size),
        None => whole.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_kubernetes_writes() {
        for (text, billionths) in [
            ("1", Some(1_000_000_000)),
            ("100m", Some(100_000_000)),
            ("0.1", Some(100_000_000)),
            (".5", Some(500_000_000)),
            ("1.5Gi", Some(1_610_612_736_000_000_000)),
            ("64Mi", Some(67_108_864_000_000_000)),
            ("1e3", Some(1_000_000_000_000)),
            ("2E", Some(2_000_000_000_000_000_000_000_000_000)),
            ("-1", Some(-1_000_000_000)),
            ("", None),
            ("Mi", None),
            ("1Zi", None),
            ("1.2.3", None),
            ("99999999999999999999999999999999999999Ei", None),
        ] {
            assert_eq!(parse(text), billionths, "{text}");
        }
    }

    #[test]
    fn writes_what_people_read() {
        for text in ["20m", "64Mi", "2", "512Mi", "3Gi", "1025", "1Ki", "0"] {
            assert_eq!(parse(text).map(print).as_deref(), Some(text));
        }
    }
}
