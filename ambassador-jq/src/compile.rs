//! From the syntax tree to code.
//!
//! Definitions that do not call themselves are compiled where they are called, with their arguments put in; the others
//! become functions. So most programs call nothing at all, and `map(.a)` is a loop. How deep that goes, and how much
//! code it makes, is bounded; beyond, calls are calls.

use std::ops::Range;
use std::rc::Rc;

use crate::code::{Code, Constant, Op, Operand, Outer, Register};
use crate::syntax::ast::{Id, Kind, Parameter, Tree};
use crate::syntax::parse;
use crate::{Problem, Problems};

mod bindings;
mod calls;
mod emitter;
mod names;
mod operators;
mod paths;
mod values;

use names::{Binding, Definition, Scope};

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
}
