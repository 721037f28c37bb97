//! From words to the syntax tree, by recursive descent.
//!
//! How deep a program may nest is bounded, so this recursion is too. What repeats without nesting, such as a long
//! pipe, is a loop and makes one flat node.

use std::ops::Range;

use super::ast::{
    Assignment, Comparison, Definition, Entry, Id, Kind, Node, Operator, Parameter, Pattern, PatternEntry,
    Piece, Tree, Value, push,
};
use super::lexer;
use super::token::{Kind as Word, Token};
use crate::{Problem, Problems};

/// How deep the parts of a program may nest: brackets, definitions, conditions.
const DEEPEST: u32 = 128;
/// The longest program, in bytes.
const LONGEST: usize = 1 << 20;

const KEYWORDS: [&str; 19] = [
    "and", "as", "catch", "def", "elif", "else", "end", "foreach", "if", "import", "include", "label",
    "module", "or", "reduce", "then", "try", "__loc__", "$__loc__",
];

/// Reads a program.
pub(crate) fn parse(text: &str) -> Result<Tree, Problems> {
    if text.len() > LONGEST {
        let message = format!("the program is longer than {LONGEST} bytes");
        return Err(Problems::new(vec![Problem { range: 0..0, message }]));
    }
    let tokens = lexer::split(text).map_err(Problems::new)?;
    let mut parser = Parser { tokens, at: 0, nodes: Vec::new(), problems: Vec::new(), depth: 0 };
    let root = parser.program();
    match root {
        Ok(root) if parser.problems.is_empty() => Ok(Tree::new(parser.nodes, root)),
        _ => Err(Problems::new(parser.problems)),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    nodes: Vec<Node>,
    problems: Vec<Problem>,
    depth: u32,
}

/// The problem has been noted.
struct Noted;

type Parsed<T> = Result<T, Noted>;

/// Binary operators, by how strongly they bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    Alternative,
    Assign,
    Or,
    And,
    Compare,
    Add,
    Multiply,
}

#[derive(Debug, Clone, Copy)]
enum Binary {
    Alternative,
    Assign(Assignment),
    Or,
    And,
    Compare(Comparison),
    Arithmetic(Operator),
}

impl Binary {
    fn of(sign: &Word) -> Option<Self> {
        Some(match sign {
            Word::Name(name) if name == "or" => Self::Or,
            Word::Name(name) if name == "and" => Self::And,
            Word::Sign(sign) => match *sign {
                "//" => Self::Alternative,
                "=" => Self::Assign(Assignment::Set),
                "|=" => Self::Assign(Assignment::Update),
                "//=" => Self::Assign(Assignment::Alternative),
                "+=" => Self::Assign(Assignment::Arithmetic(Operator::Add)),
                "-=" => Self::Assign(Assignment::Arithmetic(Operator::Subtract)),
                "*=" => Self::Assign(Assignment::Arithmetic(Operator::Multiply)),
                "/=" => Self::Assign(Assignment::Arithmetic(Operator::Divide)),
                "%=" => Self::Assign(Assignment::Arithmetic(Operator::Modulo)),
                "==" => Self::Compare(Comparison::Equal),
                "!=" => Self::Compare(Comparison::NotEqual),
                "<" => Self::Compare(Comparison::Less),
                "<=" => Self::Compare(Comparison::LessOrEqual),
                ">" => Self::Compare(Comparison::Greater),
                ">=" => Self::Compare(Comparison::GreaterOrEqual),
                "+" => Self::Arithmetic(Operator::Add),
                "-" => Self::Arithmetic(Operator::Subtract),
                "*" => Self::Arithmetic(Operator::Multiply),
                "/" => Self::Arithmetic(Operator::Divide),
                "%" => Self::Arithmetic(Operator::Modulo),
                _ => return None,
            },
            _ => return None,
        })
    }

    fn strength(self) -> Strength {
        match self {
            Self::Alternative => Strength::Alternative,
            Self::Assign(_) => Strength::Assign,
            Self::Or => Strength::Or,
            Self::And => Strength::And,
            Self::Compare(_) => Strength::Compare,
            Self::Arithmetic(Operator::Add | Operator::Subtract) => Strength::Add,
            Self::Arithmetic(_) => Strength::Multiply,
        }
    }
}

impl Parser {
    fn program(&mut self) -> Parsed<Id> {
        if self.peek() == &Word::End {
            return self.fail("the program is empty; `.` is the one that changes nothing");
        }
        let root = self.query()?;
        if self.peek() == &Word::End { Ok(root) } else { self.unexpected("the end of the program") }
    }

    /// A pipe: the weakest of all, in which definitions, bindings and labels stand.
    fn query(&mut self) -> Parsed<Id> {
        self.nested(Self::query_within)
    }

    fn query_within(&mut self) -> Parsed<Id> {
        let start = self.start();
        let mut stages = vec![self.stage()?];
        while self.takes("|") {
            stages.push(self.stage()?);
        }
        Ok(self.one_or(start, stages, Kind::Pipe))
    }

    /// What stands between two `|`.
    fn stage(&mut self) -> Parsed<Id> {
        let start = self.start();
        let mut parts = vec![self.part()?];
        while self.takes(",") {
            parts.push(self.part()?);
        }
        Ok(self.one_or(start, parts, Kind::Comma))
    }

    /// What stands between two `,`. Definitions, bindings and labels go on to the end of the pipe.
    fn part(&mut self) -> Parsed<Id> {
        let start = self.start();
        if self.is_name("def") {
            let mut definitions = vec![self.definition()?];
            while self.is_name("def") {
                definitions.push(self.definition()?);
            }
            let rest = self.query()?;
            return Ok(self.node(start, Kind::Def(definitions, rest)));
        }
        if self.is_name("label") {
            self.advance();
            let name = self.variable()?;
            self.expect("|")?;
            let body = self.query()?;
            return Ok(self.node(start, Kind::Label(name, body)));
        }
        if ["import", "include", "module"].iter().any(|name| self.is_name(name)) {
            return self.fail("modules are not supported: a rule is one text");
        }
        let source = self.expression()?;
        if !self.is_name("as") {
            return Ok(source);
        }
        let patterns = self.patterns()?;
        self.expect("|")?;
        let body = self.query()?;
        Ok(self.node(start, Kind::Bind(source, patterns, body)))
    }

    fn definition(&mut self) -> Parsed<Definition> {
        let start = self.start();
        self.advance();
        let name = self.plain_name("the name of the definition")?;
        let mut parameters = Vec::new();
        if self.takes("(") {
            loop {
                parameters.push(self.parameter()?);
                if !self.takes(";") {
                    break;
                }
            }
            self.expect(")")?;
        }
        self.expect(":")?;
        let range = self.range_from(start);
        let body = self.query().or_else(|noted| self.skip_to(&[";"]).ok_or(noted))?;
        self.expect(";")?;
        Ok(Definition { name, parameters, body, range })
    }

    fn parameter(&mut self) -> Parsed<Parameter> {
        if let Word::Variable(name) = self.peek() {
            let parameter = Parameter { name: name.clone(), is_value: true };
            self.advance();
            return Ok(parameter);
        }
        Ok(Parameter { name: self.plain_name("the name of a parameter")?, is_value: false })
    }

    /// All but definitions, bindings, labels, pipes and commas.
    fn expression(&mut self) -> Parsed<Id> {
        self.binary(Strength::Alternative)
    }

    /// Operators that bind at least so strongly.
    fn binary(&mut self, weakest: Strength) -> Parsed<Id> {
        let start = self.start();
        let mut left = self.unary()?;
        let mut last_compared = false;
        while let Some(operator) = Binary::of(self.peek()).filter(|operator| operator.strength() >= weakest) {
            let strength = operator.strength();
            if matches!(operator, Binary::Compare(_)) && std::mem::replace(&mut last_compared, true) {
                return self.fail("comparisons do not chain; put one of them in parentheses");
            }
            let sign = self.advance();
            left = match operator {
                // These bind to the right.
                Binary::Alternative => {
                    let right = self.nested(|parser| parser.binary(strength))?;
                    self.node(start, Kind::Alternative(left, right))
                }
                Binary::Assign(assignment) => {
                    let right = self.binary(Strength::Or)?;
                    if Binary::of(self.peek()).is_some_and(|next| matches!(next, Binary::Assign(_))) {
                        return self.fail("assignments do not chain; put one of them in parentheses");
                    }
                    self.node(start, Kind::Assign(assignment, left, right))
                }
                Binary::Or => {
                    let right = self.binary(Strength::And)?;
                    self.node(start, Kind::Or(left, right))
                }
                Binary::And => {
                    let right = self.binary(Strength::Compare)?;
                    self.node(start, Kind::And(left, right))
                }
                Binary::Compare(comparison) => {
                    let right = self.binary(Strength::Add)?;
                    self.node(start, Kind::Compare(comparison, left, right))
                }
                Binary::Arithmetic(operator) => {
                    let rest = self.arithmetic(operator, sign, strength)?;
                    self.node(start, Kind::Arithmetic(left, rest))
                }
            };
        }
        Ok(left)
    }

    /// What follows the first operand, as long as the operators are of one strength.
    fn arithmetic(
        &mut self,
        first: Operator,
        sign: Range<usize>,
        strength: Strength,
    ) -> Parsed<Vec<(Operator, Range<usize>, Id)>> {
        let (mut operator, mut sign, mut rest) = (first, sign, Vec::new());
        loop {
            let operand =
                if strength == Strength::Add { self.binary(Strength::Multiply)? } else { self.unary()? };
            rest.push((operator, sign, operand));
            match Binary::of(self.peek()) {
                Some(next @ Binary::Arithmetic(of)) if next.strength() == strength => {
                    operator = of;
                    sign = self.advance();
                }
                _ => return Ok(rest),
            }
        }
    }

    fn unary(&mut self) -> Parsed<Id> {
        let start = self.start();
        if self.takes("-") {
            let operand = self.nested(Self::unary)?;
            return Ok(self.node(start, Kind::Negate(operand)));
        }
        if self.is_name("try") {
            self.advance();
            let body = self.nested(Self::tried)?;
            let handler = if self.is_name("catch") {
                self.advance();
                Some(self.nested(Self::tried)?)
            } else {
                None
            };
            return Ok(self.node(start, Kind::Try(body, handler)));
        }
        self.post_term()
    }

    /// What `try` and `catch` are for: a term, which may be negated.
    fn tried(&mut self) -> Parsed<Id> {
        if self.is_sign("-") { self.unary() } else { self.post_term() }
    }

    /// A term and what follows it without a blank of meaning: `.a[0]?`.
    fn post_term(&mut self) -> Parsed<Id> {
        let start = self.start();
        let of_input = matches!(self.peek(), Word::Field(_));
        let mut term = if self.is_name("try") { self.nested(Self::unary)? } else { self.term()? };
        let (mut steps, mut optional) = (usize::from(of_input), 0);
        loop {
            let word = self.peek().clone();
            if !matches!(word, Word::Sign("?")) {
                steps += 1;
            }
            term = match word {
                Word::Field(name) => {
                    let key = self.text_node(name);
                    self.node(start, Kind::Index(term, key))
                }
                Word::Sign("?") => {
                    self.advance();
                    // It belongs to the step before it, if there is one that has none yet.
                    let kind = if steps > optional { Kind::Optional(term) } else { Kind::Try(term, None) };
                    optional = steps;
                    self.node(start, kind)
                }
                Word::Sign("[") => self.suffix(start, term)?,
                Word::Sign(".") if matches!(self.peek_at(1), Word::Sign("[")) => {
                    self.advance();
                    self.suffix(start, term)?
                }
                Word::Sign(".") if self.at_string(1) => {
                    self.advance();
                    let key = self.string()?;
                    self.node(start, Kind::Index(term, key))
                }
                _ => return Ok(term),
            };
        }
    }

    /// `[]`, `[key]` or `[from:to]`, after the term that it belongs to.
    fn suffix(&mut self, start: usize, term: Id) -> Parsed<Id> {
        self.advance();
        if self.takes("]") {
            return Ok(self.node(start, Kind::Iterate(term)));
        }
        let Some(kind) = self.group("]", |parser| parser.index_or_slice(term))? else { return Ok(term) };
        Ok(self.node(start, kind))
    }

    fn index_or_slice(&mut self, term: Id) -> Parsed<Kind> {
        if self.takes(":") {
            return Ok(Kind::Slice(term, None, Some(self.query()?)));
        }
        let key = self.query()?;
        if !self.takes(":") {
            return Ok(Kind::Index(term, key));
        }
        let to = if self.is_sign("]") { None } else { Some(self.query()?) };
        Ok(Kind::Slice(term, Some(key), to))
    }

    fn term(&mut self) -> Parsed<Id> {
        let start = self.start();
        match self.peek().clone() {
            Word::Number(text) => {
                self.advance();
                Ok(self.node(start, Kind::Number(text)))
            }
            Word::Quote => self.string(),
            Word::Format(_) if self.at_string(1) => self.string(),
            Word::Format(name) => {
                self.advance();
                Ok(self.node(start, Kind::Format(name)))
            }
            Word::Field(name) => {
                let input = self.node(start, Kind::Identity);
                let key = self.text_node(name);
                Ok(self.node(start, Kind::Index(input, key)))
            }
            Word::Variable(name) => {
                self.advance();
                let is_location = name == "__loc__";
                let kind = if is_location { Kind::Location } else { Kind::Variable(name) };
                Ok(self.node(start, kind))
            }
            Word::Sign("..") => {
                self.advance();
                Ok(self.node(start, Kind::RecurseDefault))
            }
            Word::Sign(".") => self.dot(start),
            Word::Sign("(") => {
                self.advance();
                let inner = self.group(")", Self::query)?;
                Ok(inner.unwrap_or_else(|| self.node(start, Kind::Identity)))
            }
            Word::Sign("[") => {
                self.advance();
                if self.takes("]") {
                    return Ok(self.node(start, Kind::Array(None)));
                }
                let inner = self.group("]", Self::query)?;
                Ok(self.node(start, Kind::Array(inner)))
            }
            Word::Sign("{") => {
                self.advance();
                let entries = self.group("}", Self::entries)?.unwrap_or_default();
                Ok(self.node(start, Kind::Object(entries)))
            }
            Word::Name(name) => self.named(start, &name),
            _ => self.unexpected("an expression"),
        }
    }

    /// `.`, `."a"`, `.["a"]`, `.[]`.
    fn dot(&mut self, start: usize) -> Parsed<Id> {
        self.advance();
        let input = self.node(start, Kind::Identity);
        if !self.at_string(0) {
            return Ok(input);
        }
        let key = self.string()?;
        Ok(self.node(start, Kind::Index(input, key)))
    }

    fn named(&mut self, start: usize, name: &str) -> Parsed<Id> {
        match name {
            "if" => self.condition(),
            "reduce" => self.reduce(),
            "foreach" => self.foreach(),
            "break" if matches!(self.peek_at(1), Word::Variable(_)) => {
                self.advance();
                let name = self.variable()?;
                Ok(self.node(start, Kind::Break(name)))
            }
            "def" => self.fail("a definition cannot stand here; put it and what follows in parentheses"),
            "label" => self.fail("a label cannot stand here; put it and what follows in parentheses"),
            name if KEYWORDS.contains(&name) => self.unexpected("an expression"),
            name => {
                self.advance();
                let arguments = if self.takes("(") { self.arguments()? } else { Vec::new() };
                Ok(self.node(start, Kind::Call(name.to_owned(), arguments)))
            }
        }
    }

    /// What a call gives, after `(`.
    fn arguments(&mut self) -> Parsed<Vec<Id>> {
        let arguments = self.group(")", |parser| {
            let mut arguments = Vec::new();
            loop {
                arguments.push(parser.query().or_else(|noted| parser.skip_to(&[";", ")"]).ok_or(noted))?);
                if !parser.takes(";") {
                    return Ok(arguments);
                }
            }
        })?;
        Ok(arguments.unwrap_or_default())
    }

    fn condition(&mut self) -> Parsed<Id> {
        let start = self.start();
        let mut branches = Vec::new();
        loop {
            self.advance();
            let condition = self.query()?;
            self.expect_name("then")?;
            branches.push((condition, self.query()?));
            if !self.is_name("elif") {
                break;
            }
        }
        let otherwise = if self.is_name("else") {
            self.advance();
            Some(self.query()?)
        } else {
            None
        };
        self.expect_name("end")?;
        Ok(self.node(start, Kind::If(branches, otherwise)))
    }

    fn reduce(&mut self) -> Parsed<Id> {
        let start = self.start();
        self.advance();
        let source = self.nested(Self::expression)?;
        let patterns = self.patterns()?;
        self.expect("(")?;
        let parts = self.group(")", |parser| {
            let init = parser.query()?;
            parser.expect(";")?;
            Ok((init, parser.query()?))
        })?;
        let Some((init, update)) = parts else { return Ok(source) };
        Ok(self.node(start, Kind::Reduce(source, patterns, init, update)))
    }

    fn foreach(&mut self) -> Parsed<Id> {
        let start = self.start();
        self.advance();
        let source = self.nested(Self::expression)?;
        let patterns = self.patterns()?;
        self.expect("(")?;
        let parts = self.group(")", |parser| {
            let init = parser.query()?;
            parser.expect(";")?;
            let update = parser.query()?;
            let extract = if parser.takes(";") { Some(parser.query()?) } else { None };
            Ok((init, update, extract))
        })?;
        let Some((init, update, extract)) = parts else { return Ok(source) };
        Ok(self.node(start, Kind::Foreach(source, patterns, init, update, extract)))
    }

    /// `as pattern ?// pattern …`
    fn patterns(&mut self) -> Parsed<Vec<Pattern>> {
        self.expect_name("as")?;
        let mut patterns = vec![self.nested(Self::pattern)?];
        while self.takes("?//") {
            patterns.push(self.nested(Self::pattern)?);
        }
        Ok(patterns)
    }

    fn pattern(&mut self) -> Parsed<Pattern> {
        match self.peek() {
            Word::Variable(_) => Ok(Pattern::Variable(self.variable()?)),
            Word::Sign("[") => {
                self.advance();
                let elements = self.list("]", |parser| parser.nested(Self::pattern))?;
                Ok(Pattern::Array(elements))
            }
            Word::Sign("{") => {
                self.advance();
                let entries = self.list("}", Self::pattern_entry)?;
                Ok(Pattern::Object(entries))
            }
            _ => self.unexpected("a pattern: `$name`, `[…]` or `{…}`"),
        }
    }

    fn pattern_entry(&mut self) -> Parsed<PatternEntry> {
        let variable = match self.peek() {
            Word::Variable(name) => Some(name.clone()),
            _ => None,
        };
        let key = match self.peek().clone() {
            Word::Variable(name) | Word::Name(name) => self.text_node(name),
            Word::Quote => self.string()?,
            Word::Format(_) if self.at_string(1) => self.string()?,
            Word::Sign("(") => {
                let start = self.start();
                self.advance();
                self.group(")", Self::query)?.unwrap_or_else(|| self.node(start, Kind::Identity))
            }
            _ => return self.unexpected("a key: `$name`, a name, a string or `(…)`"),
        };
        if variable.is_none() {
            self.expect(":")?;
        } else if !self.takes(":") {
            return Ok(PatternEntry { variable, key, pattern: None });
        }
        Ok(PatternEntry { variable, key, pattern: Some(self.nested(Self::pattern)?) })
    }

    /// What stands between commas, one at least, after the opening bracket.
    fn list<T>(&mut self, end: &'static str, mut one: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let items = self.group(end, |parser| {
            let mut items = vec![one(parser)?];
            while parser.takes(",") {
                items.push(one(parser)?);
            }
            Ok(items)
        })?;
        Ok(items.unwrap_or_default())
    }

    /// What stands in the braces of an object; a comma may end it.
    fn entries(&mut self) -> Parsed<Vec<Entry>> {
        let mut entries = Vec::new();
        while !self.is_sign("}") {
            entries.push(self.entry()?);
            if !self.takes(",") {
                break;
            }
        }
        Ok(entries)
    }

    fn entry(&mut self) -> Parsed<Entry> {
        let start = self.start();
        let (key, implied) = match self.peek().clone() {
            Word::Variable(name) => {
                let key = self.text_node(name.clone());
                let is_location = name == "__loc__";
                let kind = if is_location { Kind::Location } else { Kind::Variable(name) };
                let value = self.node(start, kind);
                // `{$x: v}`: the variable is the key.
                if !is_location && self.takes(":") {
                    return Ok(Entry { key: value, value: Value::Given(self.entry_value()?) });
                }
                return Ok(Entry { key, value: Value::Given(value) });
            }
            Word::Name(name) => (self.text_node(name), true),
            Word::Quote => (self.string()?, true),
            Word::Format(_) if self.at_string(1) => (self.string()?, true),
            Word::Sign("(") => {
                self.advance();
                let key = self.group(")", Self::query)?;
                (key.unwrap_or_else(|| self.node(start, Kind::Identity)), false)
            }
            Word::Number(_) => return self.fail("a key is a string; write \"1\" or (1 | tostring)"),
            _ => return self.unexpected("a key: a name, a string, `$name` or `(…)`"),
        };
        if self.takes(":") {
            return Ok(Entry { key, value: Value::Given(self.entry_value()?) });
        }
        if implied { Ok(Entry { key, value: Value::OfInput }) } else { self.unexpected("`:`") }
    }

    /// A pipe without commas.
    fn entry_value(&mut self) -> Parsed<Id> {
        let start = self.start();
        let mut stages = vec![self.nested(Self::expression)?];
        while self.takes("|") {
            stages.push(self.nested(Self::expression)?);
        }
        if self.is_name("as") {
            return self.fail("a binding cannot stand here; put it and what follows in parentheses");
        }
        Ok(self.one_or(start, stages, Kind::Pipe))
    }

    fn at_string(&self, offset: usize) -> bool {
        match self.peek_at(offset) {
            Word::Quote => true,
            Word::Format(_) => matches!(self.peek_at(offset + 1), Word::Quote),
            _ => false,
        }
    }

    /// A string, with its format before it if there is one.
    fn string(&mut self) -> Parsed<Id> {
        let start = self.start();
        let format = match self.peek() {
            Word::Format(name) => Some(name.clone()),
            _ => None,
        };
        if format.is_some() {
            self.advance();
        }
        self.advance();
        let mut pieces = Vec::new();
        loop {
            match self.peek().clone() {
                Word::Text(text) => {
                    self.advance();
                    pieces.push(Piece::Text(text));
                }
                Word::Interpolation => {
                    self.advance();
                    let inner = self.group(")", Self::query)?;
                    pieces.extend(inner.map(Piece::Interpolation));
                }
                _ => {
                    self.advance();
                    return Ok(self.node(start, Kind::String(format, pieces)));
                }
            }
        }
    }

    /// What stands in brackets, after the opening one, and the closing one. A problem in them is noted, and reading
    /// goes on behind them, with nothing.
    fn group<T>(
        &mut self,
        end: &'static str,
        inner: impl FnOnce(&mut Self) -> Parsed<T>,
    ) -> Parsed<Option<T>> {
        let depth = self.depth;
        let result = inner(self).and_then(|inner| {
            if self.is_sign(end) { Ok(inner) } else { self.unexpected(&format!("`{end}`")) }
        });
        self.depth = depth;
        match result {
            Ok(inner) => {
                self.advance();
                Ok(Some(inner))
            }
            Err(noted) => {
                self.skip_to(&[end]).ok_or(noted)?;
                self.advance();
                Ok(None)
            }
        }
    }

    /// Goes to the next of these signs that stands at this level of brackets; gives a node for what is skipped.
    fn skip_to(&mut self, signs: &[&'static str]) -> Option<Id> {
        let (start, mut level) = (self.start(), 0_u32);
        loop {
            match self.peek() {
                Word::End => return None,
                Word::Sign(sign) if level == 0 && signs.contains(sign) => {
                    return Some(self.node(start, Kind::Identity));
                }
                Word::Sign("(" | "[" | "{") | Word::Interpolation => level += 1,
                Word::Sign(")" | "]" | "}") => level = level.checked_sub(1)?,
                _ => {}
            }
            self.advance();
        }
    }

    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEEPEST {
            return self.fail(&format!("the program nests more than {DEEPEST} levels deep"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn variable(&mut self) -> Parsed<String> {
        let Word::Variable(name) = self.peek() else { return self.unexpected("`$name`") };
        let name = name.clone();
        self.advance();
        Ok(name)
    }

    /// A name that is no keyword.
    fn plain_name(&mut self, wanted: &str) -> Parsed<String> {
        match self.peek() {
            Word::Name(name) if KEYWORDS.contains(&name.as_str()) => {
                let message = format!("`{name}` is a keyword, not {wanted}");
                self.fail(&message)
            }
            Word::Name(name) => {
                let name = name.clone();
                self.advance();
                Ok(name)
            }
            _ => self.unexpected(wanted),
        }
    }

    /// A string of a name, in the place of that name.
    fn text_node(&mut self, name: String) -> Id {
        let start = self.start();
        self.advance();
        self.node(start, Kind::String(None, vec![Piece::Text(name)]))
    }

    fn one_or(&mut self, start: usize, mut ids: Vec<Id>, many: impl FnOnce(Vec<Id>) -> Kind) -> Id {
        match (ids.len(), ids.pop()) {
            (1, Some(one)) => one,
            (_, last) => {
                ids.extend(last);
                self.node(start, many(ids))
            }
        }
    }

    fn node(&mut self, start: usize, kind: Kind) -> Id {
        let range = self.range_from(start);
        push(&mut self.nodes, kind, range)
    }

    fn range_from(&self, start: usize) -> Range<usize> {
        let before = self.at.checked_sub(1).and_then(|before| self.tokens.get(before));
        start..before.map_or(start, |token| token.range.end.max(start))
    }

    fn start(&self) -> usize {
        self.tokens.get(self.at).map_or(0, |token| token.range.start)
    }

    fn peek(&self) -> &Word {
        self.peek_at(0)
    }

    fn peek_at(&self, offset: usize) -> &Word {
        self.tokens.get(self.at + offset).map_or(&Word::End, |token| &token.kind)
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Word::Sign(found) if *found == sign)
    }

    fn is_name(&self, name: &str) -> bool {
        matches!(self.peek(), Word::Name(found) if found == name)
    }

    /// Goes to the next word; gives where this one stands.
    fn advance(&mut self) -> Range<usize> {
        let range = self.tokens.get(self.at).map_or(0..0, |token| token.range.clone());
        // The last word is the end, and stays.
        self.at = (self.at + 1).min(self.tokens.len().saturating_sub(1));
        range
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, sign: &str) -> Parsed<()> {
        if self.takes(sign) { Ok(()) } else { self.unexpected(&format!("`{sign}`")) }
    }

    fn expect_name(&mut self, name: &str) -> Parsed<()> {
        if self.is_name(name) {
            self.advance();
            return Ok(());
        }
        self.unexpected(&format!("`{name}`"))
    }

    fn unexpected<T>(&mut self, wanted: &str) -> Parsed<T> {
        let message = format!("expected {wanted}, found {}", self.peek().shown());
        self.fail(&message)
    }

    fn fail<T>(&mut self, message: &str) -> Parsed<T> {
        let range = self.tokens.get(self.at).map_or(0..0, |token| token.range.clone());
        self.problems.push(Problem { range, message: message.to_owned() });
        Err(Noted)
    }
}

#[cfg(test)]
mod tests;
