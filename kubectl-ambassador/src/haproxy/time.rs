//! Times: HAProxy's, in milliseconds unless a unit is said (configuration manual, section 2.5), and ours.

/// Milliseconds; `None` if it is no time, or too long for HAProxy.
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let milliseconds = match unit {
        "us" => number.div_ceil(1000),
        "" | "ms" => number,
        "s" => number.checked_mul(1_000)?,
        "m" => number.checked_mul(60_000)?,
        "h" => number.checked_mul(3_600_000)?,
        "d" => number.checked_mul(86_400_000)?,
        _ => return None,
    };
    i32::try_from(milliseconds).is_ok().then_some(milliseconds)
}

/// As an ambassador.yaml has it.
pub(super) fn written(milliseconds: u64) -> String {
    match milliseconds {
        0 => "0s".to_owned(),
        time if time % 3_600_000 == 0 => format!("{}h", time / 3_600_000),
        time if time % 60_000 == 0 => format!("{}m", time / 60_000),
        time if time % 1_000 == 0 => format!("{}s", time / 1_000),
        time => format!("{time}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_milliseconds_unless_a_unit_is_said() {
        for (text, expected) in [
            ("5000", Some("5s")),
            ("5000ms", Some("5s")),
            ("50s", Some("50s")),
            ("1m", Some("1m")),
            ("90s", Some("90s")),
            ("1d", Some("24h")),
            ("1500us", Some("2ms")),
            ("1500", Some("1500ms")),
            ("0", Some("0s")),
            ("", None),
            ("s", None),
            ("5parsec", None),
            ("1.5s", None),
            ("-1", None),
            ("25d", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(milliseconds(text).map(written).as_deref(), expected, "{text}");
        }
    }
}
