//! Mathematics. The functions are those of the `libm` crate, so they give the same digits on every machine.

use super::{Context, Entry, take};
use crate::arithmetic;
use crate::fault::{Fault, one};
use crate::value::Value;

/// Functions of one number.
macro_rules! unary {
    ($($name:literal $function:expr),* $(,)?) => {
        &[$(($name, 0, |cx, v| apply(cx, v, |[a, _, _]| $function(a)))),*]
    };
}

/// Functions whose numbers are all arguments.
macro_rules! of_arguments {
    ($($name:literal $arity:literal $function:expr),* $(,)?) => {
        &[$(($name, $arity, |cx, v| apply_arguments(cx, v, $function))),*]
    };
}

const UNARY: &[Entry] = unary![
    "floor" libm::floor, "ceil" libm::ceil, "round" libm::round, "trunc" libm::trunc, "rint" libm::rint,
    "nearbyint" libm::rint, "sqrt" libm::sqrt, "cbrt" libm::cbrt, "fabs" libm::fabs, "exp" libm::exp,
    "exp2" libm::exp2, "exp10" libm::exp10, "pow10" libm::exp10, "expm1" libm::expm1, "log" libm::log,
    "log2" libm::log2, "log10" libm::log10, "log1p" libm::log1p, "sin" libm::sin, "cos" libm::cos,
    "tan" libm::tan, "asin" libm::asin, "acos" libm::acos, "atan" libm::atan, "sinh" libm::sinh,
    "cosh" libm::cosh, "tanh" libm::tanh, "asinh" libm::asinh, "acosh" libm::acosh, "atanh" libm::atanh,
    "gamma" libm::lgamma, "lgamma" libm::lgamma, "tgamma" libm::tgamma, "j0" libm::j0, "j1" libm::j1,
    "y0" libm::y0, "y1" libm::y1, "significand" significand, "logb" logb,
];

const OTHERS: &[Entry] = of_arguments![
    "pow" 2 |[a, b, _]: [f64; 3]| libm::pow(a, b),
    "atan2" 2 |[a, b, _]: [f64; 3]| libm::atan2(a, b),
    "fmin" 2 |[a, b, _]: [f64; 3]| libm::fmin(a, b),
    "fmax" 2 |[a, b, _]: [f64; 3]| libm::fmax(a, b),
    "fmod" 2 |[a, b, _]: [f64; 3]| libm::fmod(a, b),
    "fdim" 2 |[a, b, _]: [f64; 3]| libm::fdim(a, b),
    "hypot" 2 |[a, b, _]: [f64; 3]| libm::hypot(a, b),
    "copysign" 2 |[a, b, _]: [f64; 3]| libm::copysign(a, b),
    "drem" 2 |[a, b, _]: [f64; 3]| libm::remainder(a, b),
    "nextafter" 2 |[a, b, _]: [f64; 3]| libm::nextafter(a, b),
    "nexttoward" 2 |[a, b, _]: [f64; 3]| libm::nextafter(a, b),
    "ldexp" 2 |[a, b, _]: [f64; 3]| libm::ldexp(a, whole(b)),
    "scalb" 2 |[a, b, _]: [f64; 3]| a * libm::exp2(b),
    "scalbln" 2 |[a, b, _]: [f64; 3]| libm::ldexp(a, whole(b)),
    "fma" 3 |[a, b, c]: [f64; 3]| libm::fma(a, b, c),
];

const SPECIAL: &[Entry] = &[
    ("isinfinite", 0, |cx, v| test(cx, v, f64::is_infinite)),
    ("isnan", 0, |cx, v| test(cx, v, f64::is_nan)),
    ("isnormal", 0, |cx, v| test(cx, v, f64::is_normal)),
    ("frexp", 0, |cx, v| {
        pair(cx, v, |number| {
            let (part, exponent) = libm::frexp(number);
            (part, f64::from(if number.is_finite() { exponent } else { 0 }))
        })
    }),
    ("modf", 0, |cx, v| {
        pair(cx, v, |number| if number.is_infinite() { (0.0, number) } else { libm::modf(number) })
    }),
    ("lgamma_r", 0, |cx, v| {
        pair(cx, v, |number| {
            let (value, sign) = libm::lgamma_r(number);
            (value, f64::from(sign))
        })
    }),
];

pub(super) const TABLE: &[Entry] = &joined();

/// One table of three.
const fn joined() -> [Entry; UNARY.len() + OTHERS.len() + SPECIAL.len()] {
    let mut all = [SPECIAL[0]; UNARY.len() + OTHERS.len() + SPECIAL.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < UNARY.len() {
            UNARY[at]
        } else if at < UNARY.len() + OTHERS.len() {
            OTHERS[at - UNARY.len()]
        } else {
            SPECIAL[at - UNARY.len() - OTHERS.len()]
        };
        at += 1;
    }
    all
}

fn number(cx: &Context, value: &Value) -> Result<f64, Fault> {
    value.as_number(cx.input).ok_or_else(|| one(value, "number required"))
}

fn apply(cx: &mut Context, values: &mut [Value], function: fn([f64; 3]) -> f64) -> Result<Value, Fault> {
    let value = number(cx, &take(values, 0))?;
    Ok(Value::Number(function([value, 0.0, 0.0])))
}

fn apply_arguments(
    cx: &mut Context,
    values: &mut [Value],
    function: fn([f64; 3]) -> f64,
) -> Result<Value, Fault> {
    let mut numbers = [0.0; 3];
    for (place, value) in numbers.iter_mut().zip(values.iter().skip(1)) {
        *place = number(cx, value)?;
    }
    Ok(Value::Number(function(numbers)))
}

fn test(cx: &mut Context, values: &mut [Value], holds: fn(f64) -> bool) -> Result<Value, Fault> {
    Ok(Value::Bool(holds(number(cx, &take(values, 0))?)))
}

fn pair(cx: &mut Context, values: &mut [Value], parts: fn(f64) -> (f64, f64)) -> Result<Value, Fault> {
    let (a, b) = parts(number(cx, &take(values, 0))?);
    Ok(Value::array(vec![Value::Number(a), Value::Number(b)]))
}

/// Without its sign; its digits stay as they are.
pub(super) fn absolute(value: &Value, cx: &Context) -> Result<Value, Fault> {
    match value.as_number(cx.input) {
        Some(number) if number < 0.0 => arithmetic::negate(value, cx.input),
        Some(_) => Ok(value.clone()),
        None => Err(one(value, "has no absolute value")),
    }
}

fn whole(number: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "saturating")]
    let whole = number as i32;
    whole
}

fn significand(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return number;
    }
    libm::frexp(number).0 * 2.0
}

fn logb(number: f64) -> f64 {
    if number == 0.0 {
        f64::NEG_INFINITY
    } else if number.is_finite() {
        f64::from(libm::frexp(number).1 - 1)
    } else {
        number.abs()
    }
}
