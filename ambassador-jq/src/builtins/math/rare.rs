//! Mathematics that few programs need.

use super::{apply, apply_arguments, number, take};
use crate::builtins::{Context, Entry};
use crate::fault::Fault;
use crate::value::Value;

pub(in crate::builtins) const UNARY: &[Entry] = unary![
    "cbrt" libm::cbrt, "exp2" libm::exp2, "exp10" libm::exp10, "pow10" libm::exp10, "expm1" libm::expm1,
    "log1p" libm::log1p, "sin" libm::sin, "cos" libm::cos, "tan" libm::tan, "asin" libm::asin,
    "acos" libm::acos, "atan" libm::atan, "sinh" libm::sinh, "cosh" libm::cosh, "tanh" libm::tanh,
    "asinh" libm::asinh, "acosh" libm::acosh, "atanh" libm::atanh, "gamma" libm::lgamma, "lgamma" libm::lgamma,
    "tgamma" libm::tgamma, "j0" libm::j0, "j1" libm::j1, "y0" libm::y0, "y1" libm::y1,
    "significand" significand, "logb" logb,
];

pub(in crate::builtins) const OTHERS: &[Entry] = of_arguments![
    "atan2" 2 |[a, b, _]: [f64; 3]| libm::atan2(a, b),
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

pub(in crate::builtins) const PAIRS: &[Entry] = &[
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

fn pair(cx: &mut Context, values: &mut [Value], parts: fn(f64) -> (f64, f64)) -> Result<Value, Fault> {
    let (a, b) = parts(number(cx, &take(values, 0))?);
    Ok(Value::array(vec![Value::Number(a), Value::Number(b)]))
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
