//! Pipes, definitions, and operators by how strongly they bind.

use std::ops::Range;

use super::{Parsed, Parser};
use crate::syntax::ast::{Assignment, Comparison, Definition, Id, Kind, Operator, Parameter};
use crate::syntax::token::Kind as Word;

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
    /// A pipe: the weakest of all, in which definitions, bindings and labels stand.
    pub(super) fn query(&mut self) -> Parsed<Id> {
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

    pub(super) fn definition(&mut self) -> Parsed<Definition> {
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
    pub(super) fn expression(&mut self) -> Parsed<Id> {
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
}
