//! Splits a program into words, strings and their interpolations included.

use std::ops::Range;

use super::token::{Kind, SIGNS, Token};
use crate::Problem;

/// All words, ending with [`Kind::End`], and for each opening bracket where its partner is. All problems of single
/// words, and of brackets that do not match, are found here.
pub(super) fn split(text: &str) -> Result<Vec<Token>, Vec<Problem>> {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new(), open: Vec::new(), problems: Vec::new() };
    lexer.run();
    if lexer.problems.is_empty() { Ok(lexer.tokens) } else { Err(lexer.problems) }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    /// Brackets and interpolations that are open: what closes each, and where it was opened.
    open: Vec<(Closer, usize)>,
    problems: Vec<Problem>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closer {
    Sign(&'static str),
    /// `)`, after which the string goes on.
    Interpolation,
}

impl Closer {
    fn sign(self) -> &'static str {
        match self {
            Self::Sign(sign) => sign,
            Self::Interpolation => ")",
        }
    }
}

fn starts_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn continues_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

impl<'a> Lexer<'a> {
    fn run(&mut self) {
        loop {
            self.skip_blanks();
            let start = self.at;
            let Some(c) = self.peek() else { break };
            match c {
                '"' => {
                    self.at += 1;
                    self.push(Kind::Quote, start);
                    self.string();
                }
                '.' if self.peek_at(1).is_some_and(starts_name) => {
                    self.at += 1;
                    let name = self.name(false);
                    self.push(Kind::Field(name), start);
                }
                '$' if self.peek_at(1).is_some_and(starts_name) => {
                    self.at += 1;
                    let name = self.name(true);
                    self.push(Kind::Variable(name), start);
                }
                '@' if self.peek_at(1).is_some_and(continues_name) => {
                    self.at += 1;
                    self.take_while(continues_name);
                    self.push(Kind::Format(self.since(start).to_owned()), start);
                }
                c if starts_name(c) => {
                    let name = self.name(true);
                    self.push(Kind::Name(name), start);
                }
                c if c.is_ascii_digit()
                    || c == '.' && self.peek_at(1).is_some_and(|c| c.is_ascii_digit()) =>
                {
                    self.number();
                    self.push(Kind::Number(self.since(start).to_owned()), start);
                }
                _ => self.sign(),
            }
        }
        for (closer, start) in std::mem::take(&mut self.open) {
            let message = format!("this is not closed: expected `{}`", closer.sign());
            self.problem(start..start + 1, message);
        }
        self.push(Kind::End, self.text.len());
    }

    /// Blanks and comments. A comment goes on over the end of its line where an odd number of backslashes stands
    /// before that.
    fn skip_blanks(&mut self) {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
            if self.peek() != Some('#') {
                return;
            }
            loop {
                let rest = self.rest();
                let line = rest.find('\n').and_then(|end| rest.get(..end)).unwrap_or(rest);
                self.at = (self.at + line.len() + 1).min(self.text.len());
                let line = line.strip_suffix('\r').unwrap_or(line);
                let backslashes = line.len() - line.trim_end_matches('\\').len();
                if backslashes.is_multiple_of(2) || self.at >= self.text.len() {
                    break;
                }
            }
        }
    }

    fn name(&mut self, with_modules: bool) -> String {
        let start = self.at;
        self.take_while(continues_name);
        while with_modules && self.rest().starts_with("::") && self.peek_at(2).is_some_and(starts_name) {
            self.at += 2;
            self.take_while(continues_name);
        }
        self.since(start).to_owned()
    }

    fn number(&mut self) {
        let digit = |c: char| c.is_ascii_digit();
        self.take_while(digit);
        if self.peek() == Some('.') {
            self.at += 1;
            self.take_while(digit);
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            let sign = usize::from(matches!(self.peek_at(1), Some('+' | '-')));
            if self.peek_at(1 + sign).is_some_and(digit) {
                self.at += 1 + sign;
                self.take_while(digit);
            }
        }
    }

    fn sign(&mut self) {
        let start = self.at;
        let rest = self.rest();
        let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) else {
            let c = self.peek().unwrap_or_default();
            self.at += c.len_utf8();
            self.problem(start..self.at, format!("`{}` has no meaning here", c.escape_debug()));
            return;
        };
        self.at += sign.len();
        match sign {
            "(" => self.open.push((Closer::Sign(")"), start)),
            "[" => self.open.push((Closer::Sign("]"), start)),
            "{" => self.open.push((Closer::Sign("}"), start)),
            ")" | "]" | "}" => {
                self.close(sign, start);
                return;
            }
            "$" => self.problem(start..self.at, "a name must follow `$`".to_owned()),
            "@" => self.problem(start..self.at, "the name of a format must follow `@`".to_owned()),
            "!" => {
                self.problem(start..self.at, "`!` has no meaning here; `not` negates: `x | not`".to_owned());
            }
            _ => {}
        }
        self.push(Kind::Sign(sign), start);
    }

    fn close(&mut self, sign: &'static str, start: usize) {
        match self.open.last().copied() {
            Some((Closer::Interpolation, _)) if sign == ")" => {
                self.open.pop();
                self.push(Kind::Sign(sign), start);
                self.string();
            }
            Some((Closer::Sign(closer), _)) if closer == sign => {
                self.open.pop();
                self.push(Kind::Sign(sign), start);
            }
            Some((closer, opened)) => {
                // Said once, for both: one of the two is wrong, and only the author knows which.
                self.open.pop();
                let message = format!("expected `{}`, to close what byte {opened} opens", closer.sign());
                self.problem(start..self.at, message);
                self.push(Kind::Sign(closer.sign()), start);
            }
            None => self.problem(start..self.at, format!("`{sign}` closes nothing")),
        }
    }

    /// The rest of a string, up to its end or the next interpolation.
    fn string(&mut self) {
        let start = self.at;
        let mut text = String::new();
        loop {
            let before = self.at;
            self.take_while(|c| c != '"' && c != '\\');
            text.push_str(self.since(before));
            match self.peek() {
                Some('"') => {
                    self.push_text(text, start);
                    self.at += 1;
                    self.push(Kind::Unquote, self.at - 1);
                    return;
                }
                Some(_) if self.peek_at(1) == Some('(') => {
                    self.push_text(text, start);
                    self.at += 2;
                    self.open.push((Closer::Interpolation, self.at - 1));
                    self.push(Kind::Interpolation, self.at - 2);
                    return;
                }
                Some(_) => text.push(self.escape()),
                None => {
                    self.problem(
                        start.saturating_sub(1)..start,
                        "this string has no end: expected `\"`".to_owned(),
                    );
                    self.push_text(text, start);
                    self.push(Kind::Unquote, self.at);
                    return;
                }
            }
        }
    }

    /// One escape; at a backslash.
    fn escape(&mut self) -> char {
        let start = self.at;
        self.at += 1;
        let Some(c) = self.peek() else { return '\\' };
        self.at += c.len_utf8();
        match c {
            '"' | '\\' | '/' => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => self.unicode_escape(start),
            _ => {
                let message = "no such escape; there are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX and \\(";
                self.problem(start..self.at, message.to_owned());
                c
            }
        }
    }

    fn unicode_escape(&mut self, start: usize) -> char {
        let Some(first) = self.hex() else {
            self.problem(start..self.at, "four hexadecimal digits must follow \\u".to_owned());
            return char::REPLACEMENT_CHARACTER;
        };
        if let Some(c) = char::from_u32(first) {
            return c;
        }
        if first < 0xDC00 && self.rest().starts_with("\\u") {
            self.at += 2;
            if let Some(second @ 0xDC00..0xE000) = self.hex() {
                let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            }
        }
        self.problem(start..self.at, "half of a surrogate pair; write the character itself".to_owned());
        char::REPLACEMENT_CHARACTER
    }

    fn hex(&mut self) -> Option<u32> {
        let digits =
            self.rest().get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let code = u32::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        Some(code)
    }

    fn push_text(&mut self, text: String, start: usize) {
        if !text.is_empty() {
            self.push(Kind::Text(text), start);
        }
    }

    fn push(&mut self, kind: Kind, start: usize) {
        self.tokens.push(Token { kind, range: start..self.at });
    }

    fn problem(&mut self, range: Range<usize>, message: String) {
        self.problems.push(Problem { range, message });
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !wanted(c)).unwrap_or(rest.len());
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn peek_at(&self, offset: usize) -> Option<char> {
        self.text.get(self.at + offset..).and_then(|rest| rest.chars().next())
    }
}
