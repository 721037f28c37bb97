//! From the syntax tree to code.
//!
//! Definitions that do not call themselves are compiled where they are called, with their arguments put in; the others
//! become functions. So most programs call nothing at all, and `map(.a)` is a loop. How deep that goes, and how much
//! code it makes, is bounded; beyond, calls are calls.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

use crate::builtins::{self, Native};
use crate::code::{Argument, Code, Constant, Function, Op, Operand, Outer, Place, Register};
use crate::prelude::PRELUDE;
use crate::syntax::ast::{
    Assignment, Id, Kind, Operator, Parameter, Pattern, PatternEntry, Piece, Tree, Value,
};
use crate::syntax::parse;
use crate::{Problem, Problems};

mod names;

use names::{Binding, Closure, Definition, Scope};

/// From this depth of the compiler on, calls are not compiled in place.
const DEEP: u32 = 150;
/// The depth at which it gives up.
const TOO_DEEP: u32 = 700;
/// From this many instructions on, calls are not compiled in place.
const MUCH: usize = 20_000;
/// The most expressions that are compiled, those of arguments as often as they are put in.
const TOO_LONG: usize = 1 << 22;
/// The most instructions of a program.
const TOO_MUCH: usize = 1 << 20;

/// An expression: a node of one of the trees.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expr {
    tree: usize,
    id: Id,
}

/// What an expression works on, or what it gives: a value, and where paths are followed its path.
#[derive(Debug, Clone, Copy)]
struct Flow {
    value: Operand,
    path: Option<Operand>,
    /// Whether there may be forks left behind: then what was there before is needed again.
    forks: bool,
}

impl Flow {
    fn shared(self) -> Self {
        Self { value: self.value.share(), path: self.path.map(Operand::share), forks: false }
    }

    /// Whether an operand that is still to be read is this very value: then nobody may take it before.
    fn is_read_by(self, operand: Operand) -> bool {
        operand.share() == self.value.share()
    }

    fn shared_if(self, shared: bool) -> Self {
        if shared { self.shared() } else { self }
    }

    /// The value alone.
    fn plain(self) -> Self {
        Self { value: self.value.share(), path: None, forks: false }
    }
}

/// A function whose code is still to be made.
struct Pending {
    function: u32,
    body: Expr,
    parameters: Vec<Parameter>,
    scope: Scope,
    level: u32,
    with_path: bool,
}

/// A problem has been noted.
struct Noted;

type Made<T> = Result<T, Noted>;

struct Compiler<'p> {
    text: &'p str,
    trees: Vec<Rc<Tree>>,
    code: Code,
    problems: Vec<Problem>,
    pending: Vec<Pending>,
    globals: &'p [&'p str],
    /// The next register that is free, and how many this function needs.
    next: Register,
    most: Register,
    /// How many functions are around the code that is being made.
    level: u32,
    depth: u32,
    /// How many expressions have been compiled.
    work: usize,
    /// Where in the program the code that is being made stands; nowhere for the library.
    at: Range<u32>,
}

/// Compiles a program whose global variables have these names.
pub(crate) fn compile(text: &str, globals: &[&str]) -> Result<Code, Problems> {
    let tree = parse(text)?;
    let root = Expr { tree: 0, id: tree.root };
    let mut compiler = Compiler {
        text,
        trees: vec![Rc::new(tree)],
        code: Code::default(),
        problems: Vec::new(),
        pending: Vec::new(),
        globals,
        next: 0,
        most: 0,
        level: 0,
        depth: 0,
        work: 0,
        at: 0..0,
    };
    compiler.code.uses = vec![false; globals.len()];
    let input = compiler.fresh();
    let mut scope = Scope::default();
    for name in globals {
        let register = compiler.fresh();
        scope = scope.with(Binding::Variable { name: (*name).to_owned(), level: 0, register });
    }
    let input = Flow { value: Operand::taken(input), path: None, forks: false };
    if let Ok(out) = compiler.emit(root, &scope, input, false) {
        compiler.op(Op::Output { from: out.value });
    }
    compiler.code.registers = compiler.most;
    while let Some(pending) = compiler.pending.pop() {
        compiler.function(pending);
    }
    compiler.code.finish();
    if compiler.problems.is_empty() { Ok(compiler.code) } else { Err(Problems::new(compiler.problems)) }
}

impl Compiler<'_> {
    fn fresh(&mut self) -> Register {
        let register = self.next;
        self.next += 1;
        self.most = self.most.max(self.next);
        register
    }

    /// A register for a path, where paths are followed.
    fn fresh_path(&mut self, input: Flow) -> Option<Register> {
        input.path.map(|_| self.fresh())
    }

    fn here(&self) -> u32 {
        u32::try_from(self.code.ops.len()).unwrap_or(u32::MAX)
    }

    fn op(&mut self, op: Op) -> usize {
        self.code.ops.push(op);
        self.code.ranges.push(self.at.clone());
        self.code.ops.len() - 1
    }

    /// Lets the jump made there lead here.
    fn land(&mut self, jump: usize) {
        let here = self.here();
        if let Some(
            Op::Jump { to }
            | Op::Unless { to, .. }
            | Op::Fork { to }
            | Op::Try { to, .. }
            | Op::Else { to, .. }
            | Op::OrElse { to },
        ) = self.code.ops.get_mut(jump)
        {
            *to = here;
        }
    }

    fn constant(&mut self, constant: Constant) -> Operand {
        let constants = &mut self.code.constants;
        // A long program is not searched as a whole for each of its constants.
        let recent = constants.len().saturating_sub(64);
        let found = constants.iter().skip(recent).position(|known| *known == constant);
        let number = if let Some(at) = found {
            recent + at
        } else {
            constants.push(constant);
            constants.len() - 1
        };
        Operand::constant(u32::try_from(number).unwrap_or(0))
    }

    fn list(&mut self, operands: Vec<Operand>) -> u32 {
        self.code.lists.push(operands.into_boxed_slice());
        u32::try_from(self.code.lists.len() - 1).unwrap_or(0)
    }

    fn problem<T>(&mut self, message: impl Into<String>) -> Made<T> {
        self.note(message);
        Err(Noted)
    }

    /// Notes a problem; what follows is compiled all the same, to find the others.
    fn note(&mut self, message: impl Into<String>) {
        let range = self.at.start as usize..self.at.end as usize;
        self.problems.push(Problem { range, message: message.into() });
    }

    /// A value that was made by an instruction just now.
    fn made(register: Register, forks: bool) -> Flow {
        Flow { value: Operand::taken(register), path: None, forks }
    }

    /// Where paths are followed: a value that was not reached by a path.
    fn off_path(&mut self, input: Flow, out: Flow) -> Flow {
        let Some(path) = input.path else { return out };
        let to = self.fresh();
        self.op(Op::NoPath { to, value: out.value.share(), input: input.value.share(), path: path.share() });
        Flow { path: Some(Operand::taken(to)), ..out }
    }

    fn move_to(&mut self, out: Flow, value: Register, path: Option<Register>) {
        if out.value.place() != Place::Taken(value) {
            self.op(Op::Move { to: value, from: out.value });
        }
        if let (Some(to), Some(from)) = (path, out.path) {
            self.op(Op::Move { to, from });
        }
    }

    fn of(value: Register, path: Option<Register>, forks: bool) -> Flow {
        Flow { value: Operand::taken(value), path: path.map(Operand::taken), forks }
    }

    fn function(&mut self, pending: Pending) {
        let Pending { function, body, parameters, scope, level, with_path } = pending;
        self.level = level;
        self.next = 0;
        self.most = 0;
        let entry = self.here();
        let value = self.fresh();
        let path = with_path.then(|| self.fresh());
        let mut input = Self::of(value, path, false);
        let mut scope = scope;
        for (slot, parameter) in (0_u32..).zip(&parameters) {
            scope = scope.with(Binding::Given { name: parameter.name.clone(), level, slot });
        }
        let mut forks = false;
        for (slot, parameter) in (0_u32..).zip(&parameters) {
            if parameter.is_value {
                let register = self.fresh();
                let list = self.list(vec![input.value.share()]);
                self.op(Op::CallArgument { hops: 0, slot, to: register, path: None, list, tail: false });
                forks = true;
                scope = scope.with(Binding::Variable { name: parameter.name.clone(), level, register });
            }
        }
        input = input.shared_if(forks);
        if let Ok(out) = self.emit(body, &scope, input, true) {
            match out.path {
                Some(path) => self.op(Op::ReturnPath { from: out.value, path }),
                None => self.op(Op::Return { from: out.value }),
            };
        }
        let registers = self.most;
        if let Some(function) = self.code.functions.get_mut(function as usize) {
            if with_path {
                (function.path_entry, function.path_registers) = (entry, registers);
            } else {
                (function.entry, function.registers) = (entry, registers);
            }
        }
    }

    /// Makes the code of an expression. What is left in a register of the input that is to be taken is spoilt.
    fn emit(&mut self, expr: Expr, scope: &Scope, input: Flow, tail: bool) -> Made<Flow> {
        if self.depth >= TOO_DEEP {
            return self.problem("the program nests too deep to be compiled");
        }
        self.work += 1;
        if self.code.ops.len() >= TOO_MUCH || self.work >= TOO_LONG {
            return self.problem("the program is too large to be compiled");
        }
        let Some(tree) = self.trees.get(expr.tree).cloned() else { return Err(Noted) };
        let node = tree.node(expr.id);
        let before = self.at.clone();
        if expr.tree == 0 {
            let bound = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
            self.at = bound(node.range.start)..bound(node.range.end);
        }
        self.depth += 1;
        let out = self.emit_kind(expr, &node.kind, scope, input, tail);
        self.depth -= 1;
        self.at = before;
        out
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind of expression")]
    fn emit_kind(&mut self, of: Expr, kind: &Kind, scope: &Scope, input: Flow, tail: bool) -> Made<Flow> {
        let tree = of.tree;
        let expr = |id: Id| Expr { tree, id };
        match kind {
            Kind::Identity => Ok(Flow { forks: false, ..input }),
            Kind::RecurseDefault => self.call(tree, "recurse", &[], scope, input, tail),
            Kind::Number(text) => {
                let constant = self.number(text);
                Ok(self.literal(input, constant))
            }
            Kind::String(format, pieces) => self.string(tree, format.as_deref(), pieces, scope, input),
            Kind::Format(name) => {
                let native = self.format(name)?;
                let out = self.native(native, vec![input.value], input.forks);
                Ok(self.off_path(input, out))
            }
            Kind::Array(None) => {
                let constant = self.constant(Constant::EmptyArray);
                Ok(self.literal(input, constant))
            }
            Kind::Array(Some(inner)) => {
                let out =
                    self.collect(input, |compiler, input| compiler.emit(expr(*inner), scope, input, false))?;
                Ok(self.off_path(input, out))
            }
            Kind::Object(entries) => self.object(tree, entries, scope, input),
            Kind::Variable(name) => {
                let value = self.variable(name, scope);
                Ok(self.off_path(input, Flow { value, path: None, forks: false }))
            }
            Kind::Location => Ok(self.location(input)),
            Kind::Negate(inner) => {
                let inner = self.emit(expr(*inner), scope, Flow { path: None, ..input }, false)?;
                let to = self.fresh();
                self.op(Op::Negate { to, from: inner.value });
                Ok(self.off_path(input, Self::made(to, inner.forks)))
            }
            Kind::Pipe(stages) => {
                let (mut flow, mut forks) = (input, false);
                for (at, stage) in stages.iter().enumerate() {
                    flow = self.emit(expr(*stage), scope, flow, tail && at + 1 == stages.len())?;
                    forks |= flow.forks;
                }
                Ok(Flow { forks, ..flow })
            }
            Kind::Comma(parts) => self.comma(tree, parts, scope, input, tail),
            Kind::Alternative(first, second) => {
                self.alternative(expr(*first), expr(*second), scope, input, tail)
            }
            Kind::Arithmetic(first, rest) => self.arithmetic(tree, *first, rest, scope, input),
            Kind::Compare(comparison, a, b) => {
                let plain = Flow { path: None, ..input };
                let b = self.emit(expr(*b), scope, plain.shared(), false)?;
                let kept = b.forks || plain.is_read_by(b.value);
                let a = self.emit(expr(*a), scope, plain.shared_if(kept), false)?;
                let to = self.fresh();
                let b_value = if a.forks { b.value.share() } else { b.value };
                self.op(Op::Compare { comparison: *comparison, to, a: a.value, b: b_value });
                Ok(self.off_path(input, Self::made(to, a.forks || b.forks)))
            }
            Kind::And(a, b) => self.logic(expr(*a), expr(*b), true, scope, input),
            Kind::Or(a, b) => self.logic(expr(*a), expr(*b), false, scope, input),
            Kind::Assign(assignment, target, value) => {
                self.assign(*assignment, expr(*target), expr(*value), scope, input)
            }
            Kind::Index(..) | Kind::Iterate(..) | Kind::Slice(..) | Kind::Optional(_) => {
                self.suffixes(tree, kind, scope, input)
            }
            Kind::Try(body, handler) => self.attempt(expr(*body), handler.map(expr), scope, input),
            Kind::If(branches, otherwise) => self.condition(tree, branches, *otherwise, scope, input, tail),
            Kind::Bind(source, patterns, body) => {
                self.bind(tree, *source, patterns, *body, scope, input, tail)
            }
            Kind::Reduce(source, patterns, init, update) => {
                self.reduce(tree, (*source, patterns), *init, *update, scope, input)
            }
            Kind::Foreach(source, patterns, init, update, extract) => {
                self.foreach(tree, (*source, patterns), (*init, *update, *extract), scope, input)
            }
            Kind::Label(name, body) => {
                let mark = self.fresh();
                self.op(Op::Mark { to: mark });
                let binding = Binding::Label { name: name.clone(), level: self.level, register: mark };
                self.emit(expr(*body), &scope.with(binding), input, false)
            }
            Kind::Break(name) => {
                let Some((level, register)) = scope.label(name) else {
                    self.note(format!("label ${name} is not defined"));
                    return Ok(input.shared());
                };
                self.op(Op::Break { mark: Outer { hops: self.level - level, register } });
                Ok(input.shared())
            }
            Kind::Def(definitions, rest) => {
                let Some(nodes) = self.trees.get(tree).cloned() else { return Err(Noted) };
                let mut scope = scope.clone();
                for index in 0..definitions.len() {
                    let Some(definition) = Definition::new(&scope, (tree, &nodes), of.id, index, self.level)
                    else {
                        return Err(Noted);
                    };
                    scope = scope.with(Binding::Definition(Rc::new(definition)));
                }
                self.emit(expr(*rest), &scope, input, tail)
            }
            Kind::Call(name, arguments) => self.call(tree, name, arguments, scope, input, tail),
        }
    }

    fn literal(&mut self, input: Flow, value: Operand) -> Flow {
        self.off_path(input, Flow { value, path: None, forks: false })
    }

    fn number(&mut self, text: &str) -> Operand {
        let value: f64 = text.parse().unwrap_or(f64::NAN);
        let mut written = Vec::new();
        crate::json::number::write(value, &mut written);
        // What JSON would not write so is no text to keep: `.5`, `1.`, `007`.
        let is_json = crate::json::Document::new(text.as_bytes(), 1, usize::MAX).is_ok();
        if written == text.as_bytes() || !is_json {
            self.constant(Constant::Number(value))
        } else {
            self.constant(Constant::Literal(text.to_owned()))
        }
    }

    fn location(&mut self, input: Flow) -> Flow {
        // The library does not use it, so this is of the program.
        let before = self.text.get(..self.at.start as usize).unwrap_or_default();
        let line = 1 + before.bytes().filter(|&byte| byte == b'\n').count();
        let keys = ["file", "line"].map(|name| self.constant(Constant::String(name.to_owned())));
        let file = self.constant(Constant::String("<top-level>".to_owned()));
        let line = self.number(&line.to_string());
        let [file_key, line_key] = keys;
        let list = self.list(vec![file_key, file, line_key, line]);
        let to = self.fresh();
        self.op(Op::Object { to, list });
        self.off_path(input, Self::made(to, false))
    }

    fn variable(&mut self, name: &str, scope: &Scope) -> Operand {
        if let Some((level, register)) = scope.variable(name) {
            let global = (level == 0).then(|| (register as usize).checked_sub(1)).flatten();
            if let Some(used) = global.and_then(|at| self.code.uses.get_mut(at)) {
                *used = true;
            }
            if level == self.level {
                return Operand::shared(register);
            }
            let to = self.fresh();
            self.op(Op::Load { to, from: Outer { hops: self.level - level, register } });
            return Operand::taken(to);
        }
        if let Some(reason) = builtins::refused(&format!("${name}"), 0) {
            self.note(format!("${name} is not available: {reason}"));
        } else {
            let hint = names::hint(name, scope.variables().chain(self.globals.iter().copied()));
            let hint = hint.map_or_else(String::new, |near| format!("; did you mean `${near}`?"));
            self.note(format!("variable ${name} is not defined{hint}"));
        }
        self.constant(Constant::Null)
    }

    fn format(&mut self, name: &str) -> Made<Native> {
        match builtins::format(name) {
            Some(native) => Ok(native),
            None => {
                self.problem(format!("`{name}` is not a format; there are {}", builtins::FORMATS.join(", ")))
            }
        }
    }

    fn native(&mut self, native: Native, list: Vec<Operand>, forks: bool) -> Flow {
        let list = self.list(list);
        let to = self.fresh();
        self.op(Op::Native { native, to, list });
        Self::made(to, forks)
    }

    /// Gathers all that an expression gives into an array.
    fn collect(&mut self, input: Flow, inner: impl FnOnce(&mut Self, Flow) -> Made<Flow>) -> Made<Flow> {
        let to = self.fresh();
        let empty = self.constant(Constant::EmptyArray);
        self.op(Op::Move { to, from: empty });
        let end = self.op(Op::Fork { to: 0 });
        let next = self.next;
        let out = inner(self, Flow { path: None, ..input })?;
        self.op(Op::Append { to, from: out.value });
        self.land(end);
        self.next = next;
        Ok(Self::made(to, false))
    }

    fn string(
        &mut self,
        tree: usize,
        format: Option<&str>,
        pieces: &[Piece],
        scope: &Scope,
        input: Flow,
    ) -> Made<Flow> {
        let native = self.format(format.unwrap_or("@text"))?;
        if !pieces.iter().any(|piece| matches!(piece, Piece::Interpolation(_))) {
            let text =
                pieces.iter().map(|piece| if let Piece::Text(text) = piece { text.as_str() } else { "" });
            let text = self.constant(Constant::String(text.collect()));
            return Ok(self.literal(input, text));
        }
        let (mut operands, mut forks) = (Vec::new(), false);
        // The first piece varies fastest.
        for piece in pieces.iter().rev() {
            let operand = match piece {
                Piece::Text(text) => self.constant(Constant::String(text.clone())),
                Piece::Interpolation(id) => {
                    let inner = self.emit(Expr { tree, id: *id }, scope, input.plain(), false)?;
                    if inner.forks {
                        operands.iter_mut().for_each(|operand: &mut Operand| *operand = operand.share());
                        forks = true;
                    }
                    self.native(native, vec![inner.value], false).value
                }
            };
            operands.push(operand);
        }
        operands.reverse();
        let list = self.list(operands);
        let to = self.fresh();
        self.op(Op::Concat { to, list });
        Ok(self.off_path(input, Self::made(to, forks)))
    }

    fn object(
        &mut self,
        tree: usize,
        entries: &[crate::syntax::ast::Entry],
        scope: &Scope,
        input: Flow,
    ) -> Made<Flow> {
        let (mut operands, mut forks): (Vec<Operand>, bool) = (Vec::new(), false);
        let next = self.next;
        for entry in entries {
            let mut parts = [entry.key, entry.key].map(|id| Expr { tree, id });
            let key = self.emit(parts[0], scope, input.plain(), false)?;
            operands.push(key.value);
            let value = match entry.value {
                Value::Given(id) => {
                    parts[1] = Expr { tree, id };
                    self.emit(parts[1], scope, input.plain(), false)?
                }
                Value::OfInput => {
                    let to = self.fresh();
                    self.op(Op::Index {
                        to,
                        from: input.value.share(),
                        key: key.value.share(),
                        optional: false,
                    });
                    Self::made(to, false)
                }
            };
            if key.forks || value.forks {
                operands.iter_mut().for_each(|operand| *operand = operand.share());
                forks = true;
            }
            operands.push(value.value);
        }
        let distinct = self.has_distinct_keys(&operands);
        let list = self.list(operands);
        if !forks {
            self.next = next;
        }
        let to = self.fresh();
        self.op(if distinct { Op::Record { to, list } } else { Op::Object { to, list } });
        Ok(self.off_path(input, Self::made(to, forks)))
    }

    /// Whether the keys among these keys and values are constant strings, and all different.
    fn has_distinct_keys(&self, operands: &[Operand]) -> bool {
        let mut names = std::collections::BTreeSet::new();
        operands.iter().step_by(2).all(|key| match key.place() {
            Place::Constant(number) => match self.code.constants.get(number as usize) {
                Some(Constant::String(name)) => names.insert(name.as_str()),
                _ => false,
            },
            _ => false,
        })
    }

    fn comma(&mut self, tree: usize, parts: &[Id], scope: &Scope, input: Flow, tail: bool) -> Made<Flow> {
        let (value, path) = (self.fresh(), self.fresh_path(input));
        let mut ends = Vec::new();
        for (at, id) in parts.iter().enumerate() {
            let last = at + 1 == parts.len();
            let fork = (!last).then(|| self.op(Op::Fork { to: 0 }));
            let out = self.emit(Expr { tree, id: *id }, scope, input.shared_if(!last), tail)?;
            self.move_to(out, value, path);
            if let Some(fork) = fork {
                ends.push(self.op(Op::Jump { to: 0 }));
                self.land(fork);
            }
        }
        ends.into_iter().for_each(|end| self.land(end));
        Ok(Self::of(value, path, true))
    }

    fn alternative(
        &mut self,
        first: Expr,
        second: Expr,
        scope: &Scope,
        input: Flow,
        tail: bool,
    ) -> Made<Flow> {
        let (value, path) = (self.fresh(), self.fresh_path(input));
        let (found, mark) = (self.fresh(), self.fresh());
        let no = self.constant(Constant::Bool(false));
        self.op(Op::Move { to: found, from: no });
        let other = self.op(Op::Else { to: 0, found, mark });
        let out = self.emit(first, scope, input.shared(), false)?;
        let falsy = self.op(Op::Unless { from: out.value.share(), to: 0 });
        let yes = self.constant(Constant::Bool(true));
        self.op(Op::Move { to: found, from: yes });
        self.op(Op::Leave { mark });
        self.move_to(out, value, path);
        let end = self.op(Op::Jump { to: 0 });
        self.land(falsy);
        self.op(Op::Back);
        self.land(other);
        let out_second = self.emit(second, scope, input, tail)?;
        self.move_to(out_second, value, path);
        self.land(end);
        Ok(Self::of(value, path, out.forks || out_second.forks))
    }

    fn arithmetic(
        &mut self,
        tree: usize,
        first: Id,
        rest: &[(Operator, Range<usize>, Id)],
        scope: &Scope,
        input: Flow,
    ) -> Made<Flow> {
        // The right operand is evaluated before the left one, so the last of all comes first.
        let plain = Flow { path: None, ..input };
        let mut operands = Vec::new();
        let mut forks = false;
        for (_, _, id) in rest.iter().rev() {
            let out = self.emit(Expr { tree, id: *id }, scope, plain.shared(), false)?;
            if out.forks {
                operands.iter_mut().for_each(|operand: &mut Operand| *operand = operand.share());
            }
            operands.push(out.value);
            forks |= out.forks;
        }
        let kept = forks || operands.iter().any(|operand| plain.is_read_by(*operand));
        let left = self.emit(Expr { tree, id: first }, scope, plain.shared_if(kept), false)?;
        if left.forks {
            operands.iter_mut().for_each(|operand| *operand = operand.share());
            forks = true;
        }
        // What a later operand needs cannot be taken by the first.
        let needed = operands.split_last().is_some_and(|(_, later)| later.contains(&left.value.share()));
        let mut value = if needed { left.value.share() } else { left.value };
        for ((operator, sign, _), operand) in rest.iter().zip(operands.into_iter().rev()) {
            let to = self.fresh();
            let before = self.at.clone();
            if tree == 0 {
                let bound = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
                self.at = bound(sign.start)..bound(sign.end);
            }
            self.op(Op::Arithmetic { operator: *operator, to, a: value, b: operand });
            self.at = before;
            value = Operand::taken(to);
        }
        Ok(self.off_path(input, Flow { value, path: None, forks }))
    }

    fn logic(&mut self, a: Expr, b: Expr, and: bool, scope: &Scope, input: Flow) -> Made<Flow> {
        let to = self.fresh();
        let plain = Flow { path: None, ..input };
        let truth = |value| Constant::Bool(value);
        let (yes, no) = (self.constant(truth(true)), self.constant(truth(false)));
        let first = self.emit(a, scope, plain.shared(), false)?;
        let first_false = self.op(Op::Unless { from: first.value, to: 0 });
        let mut ends = Vec::new();
        if !and {
            self.op(Op::Move { to, from: yes });
            ends.push(self.op(Op::Jump { to: 0 }));
            self.land(first_false);
        }
        let second = self.emit(b, scope, plain.shared_if(first.forks), false)?;
        let second_false = self.op(Op::Unless { from: second.value, to: 0 });
        self.op(Op::Move { to, from: yes });
        ends.push(self.op(Op::Jump { to: 0 }));
        if and {
            self.land(first_false);
        }
        self.land(second_false);
        self.op(Op::Move { to, from: no });
        ends.into_iter().for_each(|end| self.land(end));
        Ok(self.off_path(input, Self::made(to, first.forks || second.forks)))
    }

    /// `a.b[c][d:e][]`: the chain as a loop. The keys are evaluated from the last to the first, then what they are
    /// keys of.
    fn suffixes(&mut self, tree: usize, kind: &Kind, scope: &Scope, input: Flow) -> Made<Flow> {
        enum Step {
            Each,
            Key(Operand),
        }
        let Some(nodes) = self.trees.get(tree).cloned() else { return Err(Noted) };
        let (mut kind, mut forks, mut kept) = (kind, false, false);
        let mut steps: Vec<(Step, Range<u32>, bool)> = Vec::new();
        let base = loop {
            let at = self.at.clone();
            let mut optional = false;
            if let Kind::Optional(of) = kind {
                optional = true;
                kind = &nodes.node(*of).kind;
            }
            let (of, step) = match kind {
                Kind::Iterate(of) => (*of, Step::Each),
                Kind::Index(of, key) => {
                    let key = self.emit(Expr { tree, id: *key }, scope, input.plain(), false)?;
                    forks |= key.forks;
                    kept |= key.forks || input.is_read_by(key.value);
                    (*of, Step::Key(key.value.share()))
                }
                Kind::Slice(of, from, to) => {
                    let mut bound = |compiler: &mut Self, id: &Option<Id>| -> Made<Operand> {
                        let Some(id) = *id else { return Ok(compiler.constant(Constant::Null)) };
                        let out = compiler.emit(Expr { tree, id }, scope, input.plain(), false)?;
                        forks |= out.forks;
                        Ok(out.value.share())
                    };
                    let (from, end) = (bound(self, from)?, bound(self, to)?);
                    let key = self.fresh();
                    self.op(Op::SliceKey { to: key, from, end });
                    (*of, Step::Key(Operand::shared(key)))
                }
                _ => break None,
            };
            steps.push((step, at, optional));
            let node = nodes.node(of);
            kind = &node.kind;
            if !matches!(kind, Kind::Iterate(_) | Kind::Index(..) | Kind::Slice(..) | Kind::Optional(_)) {
                break Some(of);
            }
        };
        let Some(base) = base else { return Err(Noted) };
        let mut flow = self.emit(Expr { tree, id: base }, scope, input.shared_if(forks || kept), false)?;
        forks |= flow.forks;
        for (step, at, optional) in steps.into_iter().rev() {
            let before = std::mem::replace(&mut self.at, at);
            flow = match step {
                Step::Key(key) => self.index(flow, key, optional),
                Step::Each => {
                    forks = true;
                    self.each(flow, optional)
                }
            };
            self.at = before;
        }
        Ok(Flow { forks, ..flow })
    }

    fn index(&mut self, of: Flow, key: Operand, optional: bool) -> Flow {
        let path = of.path.map(|path| {
            let to = self.fresh();
            self.op(Op::Step { to, path: path.share(), key, from: of.value.share() });
            to
        });
        let to = self.fresh();
        self.op(Op::Index { to, from: of.value, key, optional });
        Self::of(to, path, of.forks)
    }

    fn each(&mut self, of: Flow, optional: bool) -> Flow {
        let (to, path) = (self.fresh(), self.fresh_path(of));
        let at = of.path.map_or(of.value.share(), Operand::share);
        self.op(Op::Each { to, path, from: of.value, at, optional });
        Self::of(to, path, true)
    }

    fn attempt(&mut self, body: Expr, handler: Option<Expr>, scope: &Scope, input: Flow) -> Made<Flow> {
        let (value, path) = (self.fresh(), self.fresh_path(input));
        let (error, mark) = (self.fresh(), self.fresh());
        let attempt = self.op(Op::Try { to: 0, error, mark });
        let out = self.emit(body, scope, input.shared(), false)?;
        self.op(Op::Leave { mark });
        self.move_to(out, value, path);
        let end = self.op(Op::Jump { to: 0 });
        self.land(attempt);
        let mut forks = out.forks;
        match handler {
            None => {
                self.op(Op::Back);
            }
            Some(handler) => {
                let caught = Flow { value: Operand::taken(error), path: None, forks: false };
                let rescue = self.emit(handler, scope, caught, false)?;
                forks |= rescue.forks;
                let rescue = self.off_path(input, rescue);
                self.move_to(rescue, value, path);
            }
        }
        self.land(end);
        Ok(Self::of(value, path, forks))
    }

    fn condition(
        &mut self,
        tree: usize,
        branches: &[(Id, Id)],
        otherwise: Option<Id>,
        scope: &Scope,
        input: Flow,
        tail: bool,
    ) -> Made<Flow> {
        let (value, path) = (self.fresh(), self.fresh_path(input));
        let (mut ends, mut forks) = (Vec::new(), false);
        for (condition, branch) in branches {
            let test = self.emit(Expr { tree, id: *condition }, scope, input.plain(), false)?;
            forks |= test.forks;
            let no = self.op(Op::Unless { from: test.value, to: 0 });
            let out = self.emit(Expr { tree, id: *branch }, scope, input.shared_if(forks), tail)?;
            let branch_forks = out.forks;
            self.move_to(out, value, path);
            ends.push((self.op(Op::Jump { to: 0 }), branch_forks));
            self.land(no);
        }
        let out = match otherwise {
            Some(id) => self.emit(Expr { tree, id }, scope, input.shared_if(forks), tail)?,
            None => Flow { forks: false, ..input.shared_if(forks) },
        };
        forks |= out.forks;
        self.move_to(out, value, path);
        for (end, branch_forks) in ends {
            self.land(end);
            forks |= branch_forks;
        }
        Ok(Self::of(value, path, forks))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of the construct")]
    fn bind(
        &mut self,
        tree: usize,
        source: Id,
        patterns: &[Pattern],
        body: Id,
        scope: &Scope,
        input: Flow,
        tail: bool,
    ) -> Made<Flow> {
        let source = self.emit(Expr { tree, id: source }, scope, input.plain(), false)?;
        let mut forks = source.forks;
        let [pattern] = patterns else {
            return self.bind_any(tree, source, patterns, body, scope, input);
        };
        let (scope, more) = self.pattern(tree, pattern, source.value, scope, scope)?;
        forks |= more;
        let out = self.emit(Expr { tree, id: body }, &scope, input.shared_if(forks), tail)?;
        Ok(Flow { forks: forks || out.forks, ..out })
    }

    /// `source as p ?// q | body`: an error in the first leads to the second. All variables of all of them are there,
    /// null where the pattern does not bind them.
    fn bind_any(
        &mut self,
        tree: usize,
        source: Flow,
        patterns: &[Pattern],
        body: Id,
        scope: &Scope,
        input: Flow,
    ) -> Made<Flow> {
        let (value, path) = (self.fresh(), self.fresh_path(input));
        let mut names = Vec::new();
        patterns.iter().for_each(|pattern| names::of_pattern(pattern, &mut names));
        let null = self.constant(Constant::Null);
        let source_value = self.fresh();
        self.op(Op::Move { to: source_value, from: source.value });
        let mut ends = Vec::new();
        for (at, pattern) in patterns.iter().enumerate() {
            let mut all = scope.clone();
            for name in &names {
                let register = self.fresh();
                self.op(Op::Move { to: register, from: null });
                all = all.with(Binding::Variable { name: name.clone(), level: self.level, register });
            }
            let last = at + 1 == patterns.len();
            let other = (!last).then(|| self.op(Op::OrElse { to: 0 }));
            let (bound, _) = self.pattern(tree, pattern, Operand::shared(source_value), &all, &all)?;
            let out = self.emit(Expr { tree, id: body }, &bound, input.shared(), false)?;
            self.move_to(out, value, path);
            ends.push(self.op(Op::Jump { to: 0 }));
            if let Some(other) = other {
                self.land(other);
            }
        }
        ends.into_iter().for_each(|end| self.land(end));
        Ok(Self::of(value, path, true))
    }

    /// Binds the variables of a pattern. Keys of objects are evaluated in the scope outside, with the variables that
    /// stand before them.
    fn pattern(
        &mut self,
        tree: usize,
        pattern: &Pattern,
        value: Operand,
        scope: &Scope,
        outside: &Scope,
    ) -> Made<(Scope, bool)> {
        match pattern {
            Pattern::Variable(name) => {
                let register = self.fresh();
                self.op(Op::Move { to: register, from: value });
                let binding = Binding::Variable { name: name.clone(), level: self.level, register };
                Ok((scope.with(binding), false))
            }
            Pattern::Array(items) => {
                let (mut scope, mut forks) = (scope.clone(), false);
                for (at, item) in items.iter().enumerate() {
                    let key = self.number(&at.to_string());
                    let to = self.fresh();
                    self.op(Op::Index { to, from: value.share(), key, optional: false });
                    let (inner, more) = self.pattern(tree, item, Operand::shared(to), &scope, outside)?;
                    scope = inner;
                    forks |= more;
                }
                Ok((scope, forks))
            }
            Pattern::Object(entries) => {
                let (mut scope, mut forks) = (scope.clone(), false);
                for entry in entries {
                    let (inner, more) = self.pattern_entry(tree, entry, value.share(), &scope, outside)?;
                    scope = inner;
                    forks |= more;
                }
                Ok((scope, forks))
            }
        }
    }

    fn pattern_entry(
        &mut self,
        tree: usize,
        entry: &PatternEntry,
        value: Operand,
        scope: &Scope,
        outside: &Scope,
    ) -> Made<(Scope, bool)> {
        let input = Flow { value, path: None, forks: false };
        let key = self.emit(Expr { tree, id: entry.key }, scope, input, false)?;
        let to = self.fresh();
        self.op(Op::Index { to, from: value, key: key.value.share(), optional: false });
        let (mut scope, mut forks) = (scope.clone(), key.forks);
        if let Some(name) = &entry.variable {
            scope = scope.with(Binding::Variable { name: name.clone(), level: self.level, register: to });
        }
        if let Some(pattern) = &entry.pattern {
            let (inner, more) = self.pattern(tree, pattern, Operand::shared(to), &scope, outside)?;
            scope = inner;
            forks |= more;
        }
        Ok((scope, forks))
    }

    /// Binds what a source gives to patterns, the first that fits.
    fn source(
        &mut self,
        tree: usize,
        (source, patterns): (Id, &[Pattern]),
        scope: &Scope,
        input: Flow,
    ) -> Made<Scope> {
        let out = self.emit(Expr { tree, id: source }, scope, Flow { path: None, ..input }, false)?;
        let [pattern] = patterns else {
            return self.problem("`?//` can stand only in `… as … |`");
        };
        Ok(self.pattern(tree, pattern, out.value, scope, scope)?.0)
    }

    fn reduce(
        &mut self,
        tree: usize,
        source: (Id, &[Pattern]),
        init: Id,
        update: Id,
        scope: &Scope,
        input: Flow,
    ) -> Made<Flow> {
        let (value, path) = (self.fresh(), self.fresh_path(input));
        let init = self.emit(Expr { tree, id: init }, scope, input.shared(), false)?;
        self.move_to(init, value, path);
        let end = self.op(Op::Fork { to: 0 });
        let scope = self.source(tree, source, scope, input.shared_if(init.forks))?;
        let (taken, taken_path) = (self.fresh(), self.fresh_path(input));
        self.move_to(Self::of(value, path, false), taken, taken_path);
        let out = self.emit(Expr { tree, id: update }, &scope, Self::of(taken, taken_path, false), false)?;
        self.move_to(out, value, path);
        self.op(Op::Back);
        self.land(end);
        Ok(Self::of(value, path, init.forks))
    }

    fn foreach(
        &mut self,
        tree: usize,
        source: (Id, &[Pattern]),
        (init, update, extract): (Id, Id, Option<Id>),
        scope: &Scope,
        input: Flow,
    ) -> Made<Flow> {
        let (value, path) = (self.fresh(), self.fresh_path(input));
        let init = self.emit(Expr { tree, id: init }, scope, input.shared(), false)?;
        self.move_to(init, value, path);
        let scope = self.source(tree, source, scope, input.shared_if(init.forks))?;
        let (taken, taken_path) = (self.fresh(), self.fresh_path(input));
        self.move_to(Self::of(value, path, false), taken, taken_path);
        let out = self.emit(Expr { tree, id: update }, &scope, Self::of(taken, taken_path, false), false)?;
        self.move_to(out, value, path);
        let state = Self::of(value, path, true).shared();
        let out = match extract {
            Some(extract) => self.emit(Expr { tree, id: extract }, &scope, state, false)?,
            None => state,
        };
        Ok(Flow { forks: true, ..out })
    }

    fn assign(
        &mut self,
        assignment: Assignment,
        target: Expr,
        value: Expr,
        scope: &Scope,
        input: Flow,
    ) -> Made<Flow> {
        let plain = Flow { path: None, ..input };
        if assignment == Assignment::Update {
            let always = (self.is_single(value), true);
            let out = self.update(target, scope, plain, always, |compiler, old| {
                compiler.emit(value, scope, old, false)
            })?;
            return Ok(self.off_path(input, out));
        }
        // The new value is evaluated with the whole as input, once for all paths.
        let right = self.emit(value, scope, plain.shared(), false)?;
        let forks = right.forks;
        let kept = forks || plain.is_read_by(right.value);
        let right = Flow { value: right.value.share(), path: None, forks: false };
        let always = (true, assignment != Assignment::Set);
        let out =
            self.update(target, scope, plain.shared_if(kept), always, |compiler, old| match assignment {
                Assignment::Set | Assignment::Update => Ok(right),
                Assignment::Arithmetic(operator) => {
                    let to = compiler.fresh();
                    compiler.op(Op::Arithmetic { operator, to, a: old.value, b: right.value });
                    Ok(Self::made(to, false))
                }
                Assignment::Alternative => {
                    let to = compiler.fresh();
                    compiler.op(Op::Move { to, from: old.value });
                    let no = compiler.op(Op::Unless { from: Operand::shared(to), to: 0 });
                    let end = compiler.op(Op::Jump { to: 0 });
                    compiler.land(no);
                    compiler.op(Op::Move { to, from: right.value });
                    compiler.land(end);
                    Ok(Self::made(to, false))
                }
            })?;
        Ok(self.off_path(input, Flow { forks: forks || out.forks, ..out }))
    }

    /// Changes what is at each path of the target: the first value that `new` gives; where it gives none, what is there
    /// goes, after all paths have been visited. `always` says that it gives one, and the second flag whether it looks at
    /// what was there.
    fn update(
        &mut self,
        target: Expr,
        scope: &Scope,
        input: Flow,
        (always, needs_old): (bool, bool),
        new: impl FnOnce(&mut Self, Flow) -> Made<Flow>,
    ) -> Made<Flow> {
        if always && let Some(key) = self.plain_key(target) {
            let key = self.emit(key, scope, input.plain(), false)?.value;
            let root = self.fresh();
            self.op(Op::Move { to: root, from: input.value });
            let old = self.fresh();
            if needs_old {
                self.op(Op::TakeKey { to: old, root, key: key.share() });
            }
            let out = new(self, Self::made(old, false))?;
            self.op(Op::PutKey { root, key: key.share(), from: out.value });
            return Ok(Self::made(root, false));
        }
        let (root, gone, path_root) = (self.fresh(), self.fresh(), self.fresh());
        let null = self.constant(Constant::Null);
        let empty = self.constant(Constant::EmptyArray);
        // The paths are those of the value as it was.
        let before = self.fresh();
        self.op(Op::Move { to: before, from: input.value });
        self.op(Op::Move { to: root, from: Operand::shared(before) });
        self.op(Op::Move { to: gone, from: empty });
        self.op(Op::Move { to: path_root, from: null });
        let end = self.op(Op::Fork { to: 0 });
        let at = Self::of(before, Some(path_root), false);
        let at = self.emit(target, scope, at, false)?;
        let path = self.fresh();
        self.op(Op::PathArray { to: path, path: at.path.unwrap_or(null), value: at.value.share() });
        // Let go of what is there, so that it can be changed in place; and of the whole, unless more paths come of it.
        if let Place::Taken(register) = at.value.place() {
            self.op(Op::Move { to: register, from: null });
        }
        if !at.forks {
            self.op(Op::Move { to: before, from: null });
        }
        let (mark, old) = (self.fresh(), self.fresh());
        self.op(Op::Mark { to: mark });
        let none = self.op(Op::Fork { to: 0 });
        self.op(Op::TakeAt { to: old, root, path: Operand::shared(path) });
        let out = new(self, Self::made(old, false))?;
        self.op(Op::Cut { mark });
        self.op(Op::PutAt { root, path: Operand::taken(path), from: out.value });
        self.op(Op::Back);
        self.land(none);
        self.op(Op::Append { to: gone, from: Operand::taken(path) });
        self.land(end);
        let list = self.list(vec![Operand::taken(root), Operand::taken(gone)]);
        let to = self.fresh();
        self.op(Op::Native { native: builtins::DELETE_PATHS, to, list });
        Ok(Self::made(to, false))
    }

    fn call(
        &mut self,
        tree: usize,
        name: &str,
        arguments: &[Id],
        scope: &Scope,
        input: Flow,
        tail: bool,
    ) -> Made<Flow> {
        let arguments: Vec<Closure> = arguments
            .iter()
            .map(|id| Closure { expr: Expr { tree, id: *id }, scope: scope.clone(), place: self.at.clone() })
            .collect();
        match scope.function(name, arguments.len()) {
            Some(Binding::Closure { closure, .. }) => {
                let closure = closure.clone();
                let before = std::mem::replace(&mut self.at, closure.place.clone());
                let out = self.emit(closure.expr, &closure.scope, input, tail);
                self.at = before;
                out
            }
            Some(Binding::Given { level, slot, .. }) => {
                let (hops, slot) = (self.level - level, *slot);
                let (to, path) = (self.fresh(), self.fresh_path(input));
                let list = self.list(std::iter::once(input.value).chain(input.path).collect());
                self.op(Op::CallArgument { hops, slot, to, path, list, tail });
                Ok(Self::of(to, path, true))
            }
            Some(Binding::Definition(definition)) => {
                let definition = definition.clone();
                self.call_definition(&definition, &arguments, input, tail)
            }
            _ => self.builtin(name, &arguments, input, tail, scope),
        }
    }

    fn call_definition(
        &mut self,
        definition: &Rc<Definition>,
        arguments: &[Closure],
        input: Flow,
        tail: bool,
    ) -> Made<Flow> {
        let Some(tree) = self.trees.get(definition.tree).cloned() else { return Err(Noted) };
        let Some(written) = definition.written(&tree) else { return Err(Noted) };
        let body = Expr { tree: definition.tree, id: written.body };
        if definition.recursive || self.depth > DEEP || self.code.ops.len() > MUCH || self.work > 8 * MUCH {
            return Ok(self.call_function(definition, &written.parameters, body, arguments, input, tail));
        }
        let mut inner = definition.scope.clone();
        for (parameter, argument) in written.parameters.iter().zip(arguments) {
            let binding = Binding::Closure { name: parameter.name.clone(), closure: argument.clone() };
            inner = inner.with(binding);
        }
        let mut forks = false;
        for (parameter, argument) in written.parameters.iter().zip(arguments) {
            if parameter.is_value {
                let before = std::mem::replace(&mut self.at, argument.place.clone());
                let out = self.emit(argument.expr, &argument.scope, input.plain(), false);
                self.at = before;
                let out = out?;
                forks |= out.forks;
                let register = self.fresh();
                self.op(Op::Move { to: register, from: out.value });
                let binding = Binding::Variable { name: parameter.name.clone(), level: self.level, register };
                inner = inner.with(binding);
            }
        }
        let out = self.emit(body, &inner, input.shared_if(forks), tail)?;
        Ok(Flow { forks: forks || out.forks, ..out })
    }

    fn call_function(
        &mut self,
        definition: &Rc<Definition>,
        parameters: &[Parameter],
        body: Expr,
        arguments: &[Closure],
        input: Flow,
        tail: bool,
    ) -> Flow {
        let with_path = input.path.is_some();
        let function = self.function_of(&definition.function);
        let asked = if with_path { &definition.asked_path } else { &definition.asked };
        if !asked.replace(true) {
            self.pending.push(Pending {
                function,
                body,
                parameters: parameters.to_vec(),
                scope: definition.scope.with(Binding::Definition(definition.clone())),
                level: definition.level + 1,
                with_path,
            });
        }
        let mut own = false;
        let arguments: Vec<Argument> = arguments
            .iter()
            .map(|closure| {
                if let Some(argument) = self.given(closure) {
                    return argument;
                }
                own = true;
                let function = self.function_of(&Cell::new(None));
                for with_path in [false, true] {
                    self.pending.push(Pending {
                        function,
                        body: closure.expr,
                        parameters: Vec::new(),
                        scope: closure.scope.clone(),
                        level: self.level + 1,
                        with_path,
                    });
                }
                Argument::Made { function }
            })
            .collect();
        let hops = self.level - definition.level;
        // The registers of this function are needed by what is called if it stands in it, or if its arguments do.
        let tail = tail && !own && hops > 0;
        let (to, path) = (self.fresh(), self.fresh_path(input));
        let list = self.list(std::iter::once(input.value).chain(input.path).collect());
        self.code.arguments.push(arguments.into_boxed_slice());
        let arguments = u32::try_from(self.code.arguments.len() - 1).unwrap_or(0);
        self.op(Op::Call { function, to, path, list, arguments, hops, tail });
        Self::of(to, path, true)
    }

    /// An argument that is nothing but another argument, given on.
    fn given(&self, closure: &Closure) -> Option<Argument> {
        let tree = self.trees.get(closure.expr.tree)?;
        match &tree.node(closure.expr.id).kind {
            Kind::Call(name, arguments) if arguments.is_empty() => match closure.scope.function(name, 0)? {
                Binding::Given { level, slot, .. } => {
                    Some(Argument::Given { hops: self.level - level, slot: *slot })
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn function_of(&mut self, cell: &Cell<Option<u32>>) -> u32 {
        if let Some(function) = cell.get() {
            return function;
        }
        self.code.functions.push(Function::default());
        let function = u32::try_from(self.code.functions.len() - 1).unwrap_or(0);
        cell.set(Some(function));
        function
    }

    /// A function of the library, if it is none of the program.
    fn builtin(
        &mut self,
        name: &str,
        arguments: &[Closure],
        input: Flow,
        tail: bool,
        scope: &Scope,
    ) -> Made<Flow> {
        if let Some(out) = self.special(name, arguments, input)? {
            return Ok(out);
        }
        if let Some(native) = builtins::native(name, arguments.len()) {
            self.code.uses_now |= name == "now";
            self.code.uses_library |= builtins::is_rare(name, arguments.len());
            let (mut operands, mut forks) = (Vec::new(), false);
            // The first argument varies fastest.
            for argument in arguments.iter().rev() {
                let out = self.emit(argument.expr, &argument.scope, input.plain(), false)?;
                if out.forks {
                    operands.iter_mut().for_each(|operand: &mut Operand| *operand = operand.share());
                    forks = true;
                }
                operands.push(out.value);
            }
            operands.push(if forks { input.value.share() } else { input.value });
            operands.reverse();
            let out = self.native(native, operands, forks);
            return Ok(self.off_path(input, out));
        }
        let known = |entry: &&crate::prelude::Entry| entry.0 == name && entry.1 == arguments.len();
        if let Some((_, _, text)) = PRELUDE.iter().find(known) {
            let definition = self.prelude(name, text)?;
            let place = self.at.clone();
            let out = self.call_definition(&definition, arguments, input, tail);
            self.at = place;
            return out;
        }
        let message = Self::unknown(name, arguments.len(), scope);
        self.note(message);
        for argument in arguments {
            self.emit(argument.expr, &argument.scope, input.plain(), false)?;
        }
        Ok(input.shared())
    }

    /// What to say about a function that is not there.
    fn unknown(name: &str, arity: usize, scope: &Scope) -> String {
        let shown = if arity == 0 { name.to_owned() } else { format!("{name}/{arity}") };
        if let Some(reason) = builtins::refused(name, arity) {
            return format!("`{shown}` is not available: {reason}");
        }
        let others = builtins::arities(name).into_iter().chain(scope.arities(name));
        let mut others: Vec<usize> = others.filter(|&other| other != arity).collect();
        others.sort_unstable();
        others.dedup();
        if !others.is_empty() {
            let takes = others.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
            let noun = if others == [1] { "argument" } else { "arguments" };
            return format!("function {shown} is not defined; `{name}` takes {takes} {noun}");
        }
        let known: Vec<&str> = scope.functions().chain(builtins::names().map(|name| name as &str)).collect();
        let hint = names::hint(name, known.into_iter());
        let hint = hint.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let build = if cfg!(feature = "library") { "" } else { "; this build has not the whole library" };
        format!("function {shown} is not defined{hint}{build}")
    }

    /// A definition of the library, read when it is first used.
    fn prelude(&mut self, name: &str, text: &str) -> Made<Rc<Definition>> {
        let full = format!("{text} .");
        let Ok(parsed) = parse(&full) else { return self.problem(format!("the library's {name} is wrong")) };
        let root = parsed.root;
        self.trees.push(Rc::new(parsed));
        let tree = self.trees.len() - 1;
        let Some(parsed) = self.trees.get(tree).cloned() else { return Err(Noted) };
        // It sees nothing but the library, so it stands as if at the level of the program.
        Definition::new(&Scope::default(), (tree, &parsed), root, 0, 0).map(Rc::new).ok_or(Noted)
    }

    /// What is neither a native function nor a definition.
    fn special(&mut self, name: &str, arguments: &[Closure], input: Flow) -> Made<Option<Flow>> {
        Ok(Some(match (name, arguments) {
            ("empty", []) => {
                self.op(Op::Back);
                input.shared()
            }
            ("error", [message]) => {
                let out = self.emit(message.expr, &message.scope, input.plain(), false)?;
                self.op(Op::Error { from: out.value });
                Flow { forks: out.forks, ..input.shared() }
            }
            ("path", [f]) => {
                let null = self.constant(Constant::Null);
                let root = Flow { value: input.value, path: Some(null), forks: false };
                let out = self.emit(f.expr, &f.scope, root, false)?;
                let to = self.fresh();
                self.op(Op::PathArray { to, path: out.path.unwrap_or(null), value: out.value.share() });
                self.off_path(input, Self::made(to, out.forks))
            }
            ("del", [f]) => {
                let Some(key) = self.plain_key(f.expr) else { return Ok(None) };
                let key = self.emit(key, &f.scope, input.plain(), false)?.value;
                let out = self.native(builtins::DELETE_KEY, vec![input.value, key], false);
                self.off_path(input, out)
            }
            ("getpath", [path]) if input.path.is_some() => {
                let keys = self.emit(path.expr, &path.scope, input.plain(), false)?;
                let (to, path) = (self.fresh(), self.fresh());
                let at = input.path.map_or(input.value.share(), Operand::share);
                self.op(Op::GetPath { to, path, from: input.value.share(), at, keys: keys.value });
                Self::of(to, Some(path), keys.forks)
            }
            ("first", [f]) => {
                let mark = self.fresh();
                self.op(Op::Mark { to: mark });
                let out = self.emit(f.expr, &f.scope, input, false)?;
                self.op(Op::Cut { mark });
                Flow { forks: false, ..out }
            }
            ("_limit" | "_skip", [count, f]) => {
                let count = self.emit(count.expr, &count.scope, input.plain(), false)?;
                let (counter, mark) = (self.fresh(), self.fresh());
                self.op(Op::Move { to: counter, from: count.value });
                self.op(Op::Mark { to: mark });
                let out = self.emit(f.expr, &f.scope, input.shared_if(count.forks), false)?;
                self.op(if name == "_limit" { Op::Count { counter, mark } } else { Op::Skip { counter } });
                Flow { forks: true, ..out }
            }
            ("_range", [from, end, by]) => {
                let bound = |compiler: &mut Self, closure: &Closure| {
                    compiler.emit(closure.expr, &closure.scope, input.plain(), false)
                };
                let (from, end, by) = (bound(self, from)?, bound(self, end)?, bound(self, by)?);
                let to = self.fresh();
                self.op(Op::Range { to, from: from.value, end: end.value, by: by.value });
                self.off_path(input, Self::made(to, true))
            }
            ("_key", [f]) => {
                let f = &self.resolved(f);
                if self.is_single(f.expr) {
                    self.emit(f.expr, &f.scope, input, false)?
                } else {
                    self.collect(input, |compiler, input| compiler.emit(f.expr, &f.scope, input, false))?
                }
            }
            _ => return Ok(None),
        }))
    }

    /// What an argument stands for that is nothing but a parameter.
    fn resolved(&self, closure: &Closure) -> Closure {
        let mut closure = closure.clone();
        while let Some(tree) = self.trees.get(closure.expr.tree)
            && let Kind::Call(name, arguments) = &tree.node(closure.expr.id).kind
            && arguments.is_empty()
            && let Some(Binding::Closure { closure: inner, .. }) = closure.scope.function(name, 0)
        {
            closure = inner.clone();
        }
        closure
    }

    /// The key of a path that is nothing but one key of the input.
    fn plain_key(&self, target: Expr) -> Option<Expr> {
        let tree = self.trees.get(target.tree)?;
        let Kind::Index(of, key) = tree.node(target.id).kind else { return None };
        let key_expr = Expr { tree: target.tree, id: key };
        let is_text = match &tree.node(key).kind {
            Kind::String(_, pieces) => matches!(pieces.as_slice(), [] | [Piece::Text(_)]),
            Kind::Variable(_) | Kind::Number(_) => true,
            _ => false,
        };
        (tree.node(of).kind == Kind::Identity && is_text).then_some(key_expr)
    }

    /// Whether an expression gives exactly one value or an error, as far as one look tells.
    fn is_single(&self, expr: Expr) -> bool {
        let Some(tree) = self.trees.get(expr.tree) else { return false };
        let mut node = tree.node(expr.id);
        loop {
            match &node.kind {
                Kind::Identity | Kind::Number(_) | Kind::Variable(_) => return true,
                Kind::Index(of, key) => match &tree.node(*key).kind {
                    Kind::Number(_) | Kind::Variable(_) => node = tree.node(*of),
                    Kind::String(_, pieces) if matches!(pieces.as_slice(), [] | [Piece::Text(_)]) => {
                        node = tree.node(*of);
                    }
                    _ => return false,
                },
                _ => return false,
            }
        }
    }
}
