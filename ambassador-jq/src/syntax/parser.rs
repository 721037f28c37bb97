//! From words to the syntax tree, by recursive descent.
//!
//! How deep a program may nest is bounded, so this recursion is too. What repeats without nesting, such as a long
//! pipe, is a loop and makes one flat node.

use std::ops::Range;

use super::ast::{Id, Kind, Node, Piece, Tree, push};
use super::lexer;
use super::token::{Kind as Word, Token};
use crate::{Problem, Problems};

mod expressions;
mod terms;

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

impl Parser {
    fn program(&mut self) -> Parsed<Id> {
        if self.peek() == &Word::End {
            return self.fail("the program is empty; `.` is the one that changes nothing");
        }
        let root = self.query()?;
        if self.peek() == &Word::End { Ok(root) } else { self.unexpected("the end of the program") }
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
