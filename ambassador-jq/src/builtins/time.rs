//! Dates and times, all in UTC: there is no database of time zones here. The calendar is the proleptic Gregorian one;
//! its arithmetic is the well-known one on days since 1970 with years that begin in March.

use std::fmt::Write as _;

use super::{Context, Entry, take};
use crate::fault::{Fault, Raised, one, plain};
use crate::value::{Type, Value};

pub(super) const TABLE: &[Entry] = &[
    ("gmtime", 0, broken_down),
    ("localtime", 0, broken_down),
    ("mktime", 0, mktime),
    ("strftime", 1, |cx, v| {
        strftime(cx, v, "strftime/1 requires a string format", "strftime/1 requires parsed datetime inputs")
    }),
    ("strflocaltime", 1, |cx, v| {
        strftime(
            cx,
            v,
            "strflocaltime/1 requires a string format",
            "strflocaltime/1 requires parsed datetime inputs",
        )
    }),
    ("strptime", 1, strptime),
];

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Seconds beyond which no year has a name that fits: about a hundred million years.
const FARTHEST: f64 = 3e15;

/// A moment, taken apart.
#[derive(Debug, Clone, Copy, Default)]
struct Moment {
    year: i64,
    /// From 0.
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: f64,
}

/// Days since 1970-01-01; the month counts from 0 and may be any number.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = (year + month.div_euclid(12), month.rem_euclid(12));
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "within FARTHEST")]
impl Moment {
    fn of_seconds(seconds: f64) -> Self {
        let whole = seconds.floor();
        let day = (whole / 86_400.0).floor();
        let left = (whole - day * 86_400.0) as i64;
        let shifted = day as i64 + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * of_year + 2) / 153;
        let year = year_of_era + era * 400 + i64::from(month >= 10);
        Self {
            year,
            month: if month < 10 { month + 2 } else { month - 10 },
            day: of_year - (153 * month + 2) / 5 + 1,
            hour: left / 3_600,
            minute: left / 60 % 60,
            second: (left % 60) as f64 + (seconds - whole),
        }
    }

    fn days(&self) -> i64 {
        days(self.year, self.month, self.day)
    }

    fn seconds(&self) -> f64 {
        let minutes = (self.days() * 24 + self.hour) * 60 + self.minute;
        minutes as f64 * 60.0 + self.second.floor()
    }

    fn weekday(&self) -> i64 {
        (self.days() + 4).rem_euclid(7)
    }

    /// From 0.
    fn yearday(&self) -> i64 {
        self.days() - days(self.year, 0, 1)
    }

    /// The week of ISO 8601 and the year that it belongs to.
    fn iso_week(&self) -> (i64, i64) {
        // That of the Thursday of the same week.
        let thursday = self.days() - (self.weekday() + 6) % 7 + 3;
        let moment = Self::of_seconds(thursday as f64 * 86_400.0);
        (moment.year, moment.yearday() / 7 + 1)
    }

    fn into_value(self) -> Value {
        let (weekday, yearday) = (self.weekday() as f64, self.yearday() as f64);
        let parts = [
            self.year as f64,
            self.month as f64,
            self.day as f64,
            self.hour as f64,
            self.minute as f64,
            self.second,
        ];
        Value::array(parts.into_iter().chain([weekday, yearday]).map(Value::Number).collect())
    }

    /// Of an array such as [`into_value`](Self::into_value) gives; what is missing is 0.
    fn of_value(value: &Value, cx: &Context) -> Option<Self> {
        let items = value.as_items(cx.input)?;
        let mut parts = [0.0; 6];
        for (part, item) in parts.iter_mut().zip(items.iter()) {
            *part = item.as_number(cx.input).filter(|number| number.abs() < 1e8)?;
        }
        let [year, month, day, hour, minute, second] = parts;
        let whole = |part: f64| part.floor() as i64;
        Some(Self {
            year: whole(year),
            month: whole(month),
            day: whole(day),
            hour: whole(hour),
            minute: whole(minute),
            second,
        })
    }
}

fn broken_down(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let value = take(values, 0);
    match value.as_number(cx.input) {
        Some(seconds) if seconds.abs() < FARTHEST => Ok(Moment::of_seconds(seconds).into_value()),
        Some(_) => Err(plain("gmtime() requires a number of seconds that a calendar can hold")),
        None => Err(plain("gmtime() requires a number")),
    }
}

fn mktime(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let value = take(values, 0);
    if value.kind(cx.input) != Type::Array {
        return Err(plain("mktime requires array inputs"));
    }
    if value.width(cx.input) == 0 {
        return Err(plain("mktime requires array of 6 numbers"));
    }
    match Moment::of_value(&value, cx) {
        Some(moment) => Ok(Value::Number(moment.seconds())),
        None => Err(plain("mktime requires parsed datetime inputs")),
    }
}

fn strftime(
    cx: &mut Context,
    values: &mut [Value],
    no_format: &'static str,
    no_time: &'static str,
) -> Result<Value, Fault> {
    let (value, format) = (take(values, 0), take(values, 1));
    let moment = match value.as_number(cx.input) {
        Some(seconds) if seconds.abs() < FARTHEST => Some(Moment::of_seconds(seconds)),
        None if value.width(cx.input) > 0 => Moment::of_value(&value, cx),
        _ => None,
    };
    let Some(moment) = moment else { return Err(plain(no_time)) };
    let Some(format) = format.as_str(cx.input) else { return Err(plain(no_format)) };
    cx.fuel.charge(format.len())?;
    cx.fuel.reserve(format.len() * 32)?;
    let mut text = String::new();
    write(&moment, &format, &mut text);
    Ok(Value::string(text))
}

fn name<'n>(names: &[&'n str], at: i64) -> &'n str {
    usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or("?")
}

fn short(name: &str) -> &str {
    name.get(..3).unwrap_or(name)
}

/// The directives of `strftime` in the C locale.
#[expect(clippy::cast_possible_truncation, reason = "a second of a minute")]
fn write(moment: &Moment, format: &str, text: &mut String) {
    let (year, hour, second) = (moment.year, moment.hour, moment.second.floor() as i64);
    let twelve = (hour + 11).rem_euclid(12) + 1;
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        // Modifiers of the locale and of glibc's padding change nothing in the C locale but the padding.
        let mut directive = chars.next();
        let mut padding = None;
        while let Some(modifier @ ('E' | 'O' | '-' | '_' | '0')) = directive {
            if matches!(modifier, '-' | '_' | '0') {
                padding = Some(modifier);
            }
            directive = chars.next();
        }
        let mut number = |value: i64, width: usize, usual: char| {
            let _ = match padding.unwrap_or(usual) {
                '-' => write!(text, "{value}"),
                '_' => write!(text, "{value:width$}"),
                _ => write!(text, "{value:0width$}"),
            };
        };
        match directive {
            Some('Y') => number(year, 1, '0'),
            Some('C') => number(year.div_euclid(100), 2, '0'),
            Some('y') => number(year.rem_euclid(100), 2, '0'),
            Some('m') => number(moment.month + 1, 2, '0'),
            Some('d') => number(moment.day, 2, '0'),
            Some('e') => number(moment.day, 2, '_'),
            Some('H') => number(hour, 2, '0'),
            Some('k') => number(hour, 2, '_'),
            Some('I') => number(twelve, 2, '0'),
            Some('l') => number(twelve, 2, '_'),
            Some('M') => number(moment.minute, 2, '0'),
            Some('S') => number(second, 2, '0'),
            Some('j') => number(moment.yearday() + 1, 3, '0'),
            Some('u') => number((moment.weekday() + 6) % 7 + 1, 1, '0'),
            Some('w') => number(moment.weekday(), 1, '0'),
            Some('U') => number((moment.yearday() + 7 - moment.weekday()) / 7, 2, '0'),
            Some('W') => number((moment.yearday() + 7 - (moment.weekday() + 6) % 7) / 7, 2, '0'),
            Some('V') => number(moment.iso_week().1, 2, '0'),
            Some('G') => number(moment.iso_week().0, 1, '0'),
            Some('g') => number(moment.iso_week().0.rem_euclid(100), 2, '0'),
            Some('s') => {
                let _ = write!(text, "{}", moment.seconds() as i64);
            }
            Some('A') => text.push_str(name(&DAYS, moment.weekday())),
            Some('a') => text.push_str(short(name(&DAYS, moment.weekday()))),
            Some('B') => text.push_str(name(&MONTHS, moment.month)),
            Some('b' | 'h') => text.push_str(short(name(&MONTHS, moment.month))),
            Some('p') => text.push_str(if hour < 12 { "AM" } else { "PM" }),
            Some('P') => text.push_str(if hour < 12 { "am" } else { "pm" }),
            Some('Z') => text.push_str("UTC"),
            Some('z') => text.push_str("+0000"),
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('D' | 'x') => write(moment, "%m/%d/%y", text),
            Some('F') => write(moment, "%Y-%m-%d", text),
            Some('T' | 'X') => write(moment, "%H:%M:%S", text),
            Some('R') => write(moment, "%H:%M", text),
            Some('r') => write(moment, "%I:%M:%S %p", text),
            Some('c') => write(moment, "%a %b %e %H:%M:%S %Y", text),
            Some('+') => write(moment, "%a %b %e %H:%M:%S %Z %Y", text),
            Some(other) if other != '%' => {
                text.push('%');
                text.push(other);
            }
            _ => text.push('%'),
        }
    }
}

fn strptime(cx: &mut Context, values: &mut [Value]) -> Result<Value, Fault> {
    let (value, format) = (take(values, 0), take(values, 1));
    let Some(text) = value.as_str(cx.input) else {
        return Err(one(
            &value,
            "cannot be parsed as a date: strptime/1 requires string inputs and arguments",
        ));
    };
    let Some(format) = format.as_str(cx.input) else {
        return Err(plain("strptime/1 requires string inputs and arguments"));
    };
    cx.fuel.charge(text.len() + format.len())?;
    if let Some(moment) = read(&text, &format) {
        return Ok(moment.into_value());
    }
    let text = format!("date \"{text}\" does not match format \"{format}\"");
    Err(Raised::Private(text, "a string does not match the format of `strptime`").into())
}

/// What has been read of a date.
#[derive(Default)]
struct Read {
    moment: Moment,
    afternoon: Option<bool>,
    century: Option<i64>,
    yearday: Option<i64>,
    has_month: bool,
    seconds: Option<i64>,
    offset: i64,
}

fn read(text: &str, format: &str) -> Option<Moment> {
    let mut found = Read { moment: Moment { year: 1900, day: 1, ..Moment::default() }, ..Read::default() };
    let rest = read_by(text, format, &mut found)?;
    if !rest.is_empty() {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "digits are bounded")]
    if let Some(seconds) = found.seconds {
        return Some(Moment::of_seconds(seconds as f64));
    }
    let mut moment = found.moment;
    if let Some(century) = found.century {
        moment.year = century * 100 + moment.year.rem_euclid(100);
    }
    if let Some(afternoon) = found.afternoon {
        moment.hour = moment.hour % 12 + if afternoon { 12 } else { 0 };
    }
    if let (Some(yearday), false) = (found.yearday, found.has_month) {
        #[expect(clippy::cast_precision_loss, reason = "a few digits")]
        let day = Moment::of_seconds((days(moment.year, 0, 1) + yearday) as f64 * 86_400.0);
        (moment.month, moment.day) = (day.month, day.day);
    }
    Some(moment)
}

fn read_by<'t>(text: &'t str, format: &str, found: &mut Read) -> Option<&'t str> {
    let mut rest = text;
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            rest = rest.trim_start();
            continue;
        }
        if c != '%' {
            rest = rest.strip_prefix(c)?;
            continue;
        }
        let mut directive = chars.next()?;
        while matches!(directive, 'E' | 'O' | '-' | '_' | '0') {
            directive = chars.next()?;
        }
        let moment = &mut found.moment;
        let mut number = |width: usize, least: i64, most: i64| -> Option<i64> {
            let (value, behind) = digits(rest.trim_start(), width)?;
            rest = behind;
            (least..=most).contains(&value).then_some(value)
        };
        match directive {
            'Y' => moment.year = number(4, 0, 9999)?,
            'C' => found.century = Some(number(2, 0, 99)?),
            'y' => {
                let year = number(2, 0, 99)?;
                moment.year = if year < 69 { 2000 + year } else { 1900 + year };
            }
            'm' => {
                moment.month = number(2, 1, 12)? - 1;
                found.has_month = true;
            }
            'd' | 'e' => moment.day = number(2, 1, 31)?,
            'H' | 'k' => moment.hour = number(2, 0, 23)?,
            'I' | 'l' => moment.hour = number(2, 1, 12)?,
            'M' => moment.minute = number(2, 0, 59)?,
            #[expect(clippy::cast_precision_loss, reason = "two digits")]
            'S' => moment.second = number(2, 0, 61)? as f64,
            'j' => found.yearday = Some(number(3, 1, 366)? - 1),
            'u' => drop(number(1, 1, 7)?),
            'w' => drop(number(1, 0, 6)?),
            'U' | 'W' | 'V' => drop(number(2, 0, 53)?),
            'G' => drop(number(4, 0, 9999)?),
            'g' => drop(number(2, 0, 99)?),
            's' => found.seconds = Some(number(12, 0, 1 << 40)?),
            'A' | 'a' => rest = one_of(rest, &DAYS)?.1,
            'B' | 'b' | 'h' => {
                let (month, behind) = one_of(rest, &MONTHS)?;
                (moment.month, rest) = (month, behind);
                found.has_month = true;
            }
            'p' | 'P' => {
                let (half, behind) = one_of(rest, &["AM", "PM"])?;
                (found.afternoon, rest) = (Some(half == 1), behind);
            }
            'Z' => rest = rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()),
            'z' => (found.offset, rest) = offset(rest)?,
            'n' | 't' => rest = rest.trim_start(),
            '%' => rest = rest.strip_prefix('%')?,
            'D' | 'x' => rest = read_by(rest, "%m/%d/%y", found)?,
            'F' => rest = read_by(rest, "%Y-%m-%d", found)?,
            'T' | 'X' => rest = read_by(rest, "%H:%M:%S", found)?,
            'R' => rest = read_by(rest, "%H:%M", found)?,
            'r' => rest = read_by(rest, "%I:%M:%S %p", found)?,
            'c' => rest = read_by(rest, "%a %b %e %H:%M:%S %Y", found)?,
            _ => return None,
        }
    }
    Some(rest)
}

/// Up to so many digits.
fn digits(text: &str, width: usize) -> Option<(i64, &str)> {
    let count = text.bytes().take(width).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(count);
    Some((digits.parse().ok()?, rest))
}

/// A name, in full or its first three letters, in any case.
fn one_of<'t>(text: &'t str, names: &[&str]) -> Option<(i64, &'t str)> {
    let text = text.trim_start();
    let starts = |name: &str| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    for (at, name) in (0_i64..).zip(names) {
        for name in [*name, short(name)] {
            if starts(name) {
                return Some((at, text.get(name.len()..)?));
            }
        }
    }
    None
}

/// `+0100`, `-01:00`, `Z`: read and, as in glibc, without an effect on the other fields.
fn offset(text: &str) -> Option<(i64, &str)> {
    let text = text.trim_start();
    if let Some(rest) = text.strip_prefix('Z') {
        return Some((0, rest));
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, rest) = digits(rest, 2)?;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let (minutes, rest) = digits(rest, 2).unwrap_or((0, rest));
    Some((sign * (hours * 60 + minutes), rest))
}
