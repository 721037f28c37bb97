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

#[cfg(feature = "library")]
pub(super) mod rare;

/// What most programs need.
pub(super) const USUAL: &[Entry] = unary![
    "floor" libm::floor, "ceil" libm::ceil, "round" libm::round, "trunc" libm::trunc, "rint" libm::rint,
    "nearbyint" libm::rint, "sqrt" libm::sqrt, "fabs" libm::fabs, "exp" libm::exp, "log" libm::log,
    "log2" libm::log2, "log10" libm::log10,
];

pub(super) const USUAL_OTHERS: &[Entry] = of_arguments![
    "pow" 2 |[a, b, _]: [f64; 3]| libm::pow(a, b),
    "fmin" 2 |[a, b, _]: [f64; 3]| libm::fmin(a, b),
    "fmax" 2 |[a, b, _]: [f64; 3]| libm::fmax(a, b),
    "fmod" 2 |[a, b, _]: [f64; 3]| libm::fmod(a, b),
];

pub(super) const TESTS: &[Entry] = &[
    ("isinfinite", 0, |cx, v| test(cx, v, f64::is_infinite)),
    ("isnan", 0, |cx, v| test(cx, v, f64::is_nan)),
    ("isnormal", 0, |cx, v| test(cx, v, f64::is_normal)),
];

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

/// Without its sign; its digits stay as they are.
pub(super) fn absolute(value: &Value, cx: &Context) -> Result<Value, Fault> {
    match value.as_number(cx.input) {
        Some(number) if number < 0.0 => arithmetic::negate(value, cx.input),
        Some(_) => Ok(value.clone()),
        None => Err(one(value, "has no absolute value")),
    }
}
