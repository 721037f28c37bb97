//! Terms: literals, calls, conditions, loops, patterns, objects and strings.

use super::{KEYWORDS, Parsed, Parser};
use crate::syntax::ast::{Entry, Id, Kind, Pattern, PatternEntry, Piece, Value};
use crate::syntax::token::Kind as Word;

impl Parser {
    pub(super) fn term(&mut self) -> Parsed<Id> {
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

    pub(super) fn reduce(&mut self) -> Parsed<Id> {
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

    pub(super) fn foreach(&mut self) -> Parsed<Id> {
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
    pub(super) fn patterns(&mut self) -> Parsed<Vec<Pattern>> {
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

    pub(super) fn at_string(&self, offset: usize) -> bool {
        match self.peek_at(offset) {
            Word::Quote => true,
            Word::Format(_) => matches!(self.peek_at(offset + 1), Word::Quote),
            _ => false,
        }
    }

    /// A string, with its format before it if there is one.
    pub(super) fn string(&mut self) -> Parsed<Id> {
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
    pub(super) fn group<T>(
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
    pub(super) fn skip_to(&mut self, signs: &[&'static str]) -> Option<Id> {
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
}
