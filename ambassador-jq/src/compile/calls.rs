//! Calls: of definitions, arguments, and the library.

use std::cell::Cell;
use std::rc::Rc;

use super::names::{self, Binding, Closure, Definition, Scope};
use super::{Compiler, DEEP, Expr, Flow, MUCH, Made, Noted, Pending};
use crate::builtins;
use crate::code::{Argument, Constant, Function, Op, Operand};
use crate::prelude::PRELUDE;
use crate::syntax::ast::{Id, Kind, Parameter, Piece};
use crate::syntax::parse;

impl Compiler<'_> {
    pub(super) fn call(
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

    /// Whether an expression gives exactly one value or an error, as far as one look tells.
    pub(super) fn is_single(&self, expr: Expr) -> bool {
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
