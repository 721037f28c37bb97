//! Instructions that are not the usual ones.

use super::back::Resume;
use super::{Machine, Next, narrow};
use crate::arithmetic;
use crate::code::{Op, Operand, Outer};
use crate::fault::{Fault, Raised, plain};
use crate::value::{Object, Type, Value, path};

impl Machine<'_, '_> {
    #[inline(never)]
    #[expect(clippy::too_many_lines, reason = "one arm for each instruction")]
    #[cfg_attr(ambassador_small, optimize(size))]
    pub(super) fn step_rare(&mut self, op: &Op) -> Result<Next, Fault> {
        match *op {
            Op::Load { to, from } => {
                let value = self.outer_value(from).clone();
                self.set(to, value);
            }
            Op::SliceKey { to, from, end } => {
                let key = path::slice_key(self.look(from).clone(), self.look(end).clone(), self.input);
                self.set(to, key);
            }
            Op::Range { to, from, end, by } => return self.range(to, from, end, by),
            Op::Negate { to, from } => {
                let value = self.value(from);
                let value = arithmetic::negate(&value, self.input)?;
                self.set(to, value);
            }
            Op::Object { to, list } => {
                let value = self.object(list)?;
                self.set(to, value);
            }
            Op::Concat { to, list } => {
                let value = self.concat(list)?;
                self.set(to, value);
            }
            Op::Error { from } => {
                let value = self.value(from);
                return Err(Raised::Value(value).into());
            }
            Op::Mark { to } => {
                let forks = Value::count(self.forks.len());
                self.set(to, forks);
            }
            Op::Cut { mark } => {
                let forks = self.mark(Outer { hops: 0, register: mark });
                self.forks.truncate(forks);
            }
            Op::Break { mark } => {
                let forks = self.mark(mark);
                self.forks.truncate(forks);
                return Ok(Next::Back);
            }
            Op::Count { counter, mark } => {
                let left = self.register(counter).as_number(self.input).unwrap_or(0.0) - 1.0;
                self.set(counter, Value::Number(left));
                if left <= 0.0 {
                    let forks = self.mark(Outer { hops: 0, register: mark });
                    self.forks.truncate(forks);
                }
            }
            Op::Skip { counter } => {
                let left = self.register(counter).as_number(self.input).unwrap_or(0.0);
                if left > 0.0 {
                    self.set(counter, Value::Number(left - 1.0));
                    return Ok(Next::Back);
                }
            }
            Op::Try { to, error, mark } => {
                let forks = Value::count(self.forks.len());
                self.set(mark, forks);
                self.fork(Resume::Try { error }, to);
            }
            Op::Else { to, found, mark } => {
                let forks = Value::count(self.forks.len());
                self.set(mark, forks);
                self.fork(Resume::Else { found }, to);
            }
            Op::OrElse { to } => self.fork(Resume::OrElse, to),
            Op::Leave { mark } => {
                let forks = self.mark(Outer { hops: 0, register: mark });
                if self.forks.len() == forks + 1 {
                    self.forks.pop();
                } else {
                    self.fork(Resume::Outside { forks: narrow(forks) }, 0);
                }
            }
            Op::Call { function, to, path, list, arguments, hops, tail } => {
                self.call(function, to, path, list, Some((arguments, hops)), tail)?;
            }
            Op::CallArgument { hops, slot, to, path, list, tail } => {
                let frame = self.frames.get(self.outer_frame(hops) as usize);
                let start = frame.map_or(0, |frame| frame.arguments as usize);
                let closure = self.arguments.get(start + slot as usize).copied();
                let Some(closure) = closure else { return Ok(Next::Back) };
                self.call_closure(closure, to, path, list, tail)?;
            }
            Op::Return { from } => {
                let value = self.value(from);
                let (to, _) = self.leave();
                self.set(to, value);
            }
            Op::ReturnPath { from, path } => {
                let (value, path) = (self.value(from), self.value(path));
                let (to, to_path) = self.leave();
                self.set(to, value);
                self.set_path(to_path, path);
            }
            Op::Step { to, path, key, from } => {
                let key = self.look(key).clone();
                if let Value::Bool(_) = self.look(path) {
                    return Err(self.off_path(from, Some(&key)));
                }
                let longer = path::longer(self.look(path), key);
                self.set(to, longer);
            }
            Op::NoPath { to, value, input, path } => {
                let path = self.no_path(value, input, path);
                self.set(to, path);
            }
            Op::PathArray { to, path, value } => {
                if let Value::Bool(_) = self.look(path) {
                    return Err(self.off_path(value, None));
                }
                let keys = path::keys(self.look(path));
                self.fuel.charge(keys.len())?;
                self.set(to, Value::array(keys));
            }
            Op::GetPath { to, path, from, at, keys } => {
                let keys = self.value(keys);
                let Some(keys) = keys.as_items(self.input) else {
                    return Err(plain("Path must be specified as an array"));
                };
                let value = self.look(from).clone();
                let found = path::get_path(&value, &keys, self.input, &mut self.fuel)?;
                let mut longer = self.look(at).clone();
                if let Value::Bool(_) = longer {
                    return Err(self.off_path(from, keys.first()));
                }
                for key in keys.iter() {
                    longer = path::longer(&longer, key.clone());
                }
                self.set(to, found);
                self.set(path, longer);
            }
            Op::TakeAt { to, root, path } => {
                let keys = self.look(path).clone();
                let keys = keys.as_items(self.input).unwrap_or_default();
                let mut value = self.take(root);
                let found = path::take_path(&mut value, &keys, self.input, &mut self.fuel);
                self.set(root, value);
                self.set(to, found?);
            }
            Op::PutAt { root, path, from } => {
                let (keys, new) = (self.value(path), self.value(from));
                let keys = keys.as_items(self.input).unwrap_or_default();
                let mut value = self.take(root);
                path::set_path(&mut value, &keys, new, self.input, &mut self.fuel)?;
                self.set(root, value);
            }
            // Carried out by `step`.
            _ => {}
        }
        Ok(Next::Step)
    }

    fn mark(&self, mark: Outer) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it was made of a length"
        )]
        self.outer_value(mark).as_number(self.input).map_or(0, |forks| forks as usize)
    }

    #[inline(never)]
    #[cfg_attr(ambassador_small, optimize(size))]
    pub(super) fn object(&mut self, list: u32) -> Result<Value, Fault> {
        let list = self.code.lists.get(list as usize).map(Box::as_ref).unwrap_or_default();
        let mut object = Object::with_capacity(list.len() / 2);
        for entry in list.chunks_exact(2) {
            let [key, value] = *entry else { break };
            let (key, value) = (self.value(key), self.value(value));
            if key.kind(self.input) != Type::String {
                return Err(Raised::Key(key).into());
            }
            object.insert(key, value, self.input);
        }
        Ok(Value::object(object))
    }

    #[inline(never)]
    #[cfg_attr(ambassador_small, optimize(size))]
    fn concat(&mut self, list: u32) -> Result<Value, Fault> {
        let list = self.code.lists.get(list as usize).map(Box::as_ref).unwrap_or_default();
        let mut text = String::new();
        for operand in list {
            let value = self.value(*operand);
            let piece = value.as_str(self.input).unwrap_or_default();
            self.fuel.charge(piece.len() / 32)?;
            self.fuel.reserve(text.len() + piece.len())?;
            text.push_str(&piece);
        }
        Ok(Value::string(text))
    }

    #[cfg_attr(ambassador_small, optimize(size))]
    fn no_path(&self, value: Operand, input: Operand, path: Operand) -> Value {
        let (value, input) = (self.look(value), self.look(input));
        let kind = value.kind(self.input);
        let same = kind == input.kind(self.input)
            && match kind {
                Type::Null | Type::False | Type::True => true,
                Type::Number => value.as_number(self.input) == input.as_number(self.input),
                _ => false,
            };
        // What is off the path for jq too is marked by a boolean, which no path is.
        if same { self.look(path).clone() } else { Value::Bool(false) }
    }

    #[cold]
    #[cfg_attr(ambassador_small, optimize(size))]
    pub(super) fn off_path(&mut self, value: Operand, key: Option<&Value>) -> Fault {
        let value = self.look(value).clone();
        let mut show = |value: &Value| {
            let mut text = Vec::new();
            let _ = crate::value::print::write(value, self.input, &mut self.fuel, &mut text);
            let mut text = String::from_utf8(text).unwrap_or_default();
            if text.len() > 29 {
                text = text.chars().take(26).collect::<String>() + "...";
            }
            text
        };
        let text = match key {
            Some(key) => {
                let key = show(key);
                format!("Invalid path expression near attempt to access element {key} of {}", show(&value))
            }
            None => format!("Invalid path expression with result {}", show(&value)),
        };
        Raised::Private(text, "a path is needed here, but this value is not a part of the input").into()
    }
}
