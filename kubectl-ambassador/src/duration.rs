//! Times as kubectl takes them: 30s, 1m30s, 1.5h; a number alone is seconds.

use std::time::Duration;

use jiff::SignedDuration;

/// More than anybody waits for.
const LONGEST: Duration = Duration::from_secs(86_400);

/// A time to wait, of a day at most.
pub(crate) fn to_wait(text: &str) -> Result<Duration, String> {
    match limit(text)? {
        Duration::ZERO => Err(format!("`{text}` is no time to wait; write 30s or 5m")),
        time if time > LONGEST => Err(format!("`{text}` is more than a day")),
        time => Ok(time),
    }
}

/// A limit; 0 is none.
pub(crate) fn limit(text: &str) -> Result<Duration, String> {
    let bad = || format!("`{text}` is not a time; write 30s or 5m");
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        return text.parse().map(Duration::from_secs).map_err(|_| bad());
    }
    let time: SignedDuration = text.parse().map_err(|_| bad())?;
    time.try_into().map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_kubectl_takes() {
        let check = |text: &str, milliseconds: u64| {
            assert_eq!(to_wait(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        };
        check("30", 30_000);
        check("30s", 30_000);
        check("1m30s", 90_000);
        check("1h", 3_600_000);
        check("1.5h", 5_400_000);
        check("250ms", 250);
        assert_eq!(limit("0"), Ok(Duration::ZERO));
        assert_eq!(limit("0s"), Ok(Duration::ZERO));
        assert_eq!(limit("5s"), Ok(Duration::from_secs(5)));
    }

    #[test]
    fn refuses_what_is_no_time_to_wait() {
        for text in ["", "0", "0s", "-1s", "soon", "5x", "25h", "99999999999999999999", "1e9s"] {
            assert!(to_wait(text).is_err(), "{text}");
        }
    }
}
