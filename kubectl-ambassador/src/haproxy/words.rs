//! The words of a line, as HAProxy reads them: quotes, escapes, comments, environment variables (configuration manual,
//! section 2.2).

use super::{Environment, Refusal};

/// One word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// Without quotes and escapes.
    pub(super) text: String,
    /// Where it begins, in characters from 1.
    pub(super) column: usize,
    /// An environment variable in it whose value is not known.
    pub(super) unknown: Option<String>,
}

/// Reads a line; there are no words in a comment.
pub(super) fn words(line: &str, number: usize, environment: &Environment) -> Result<Vec<Word>, Refusal> {
    let chars: Vec<char> = line.chars().collect();
    let reader = Reader { chars: &chars, at: 0, number, environment, words: Vec::new(), word: None };
    reader.read()
}

struct Reader<'a> {
    chars: &'a [char],
    at: usize,
    number: usize,
    environment: &'a Environment,
    words: Vec<Word>,
    word: Option<Word>,
}

impl Reader<'_> {
    fn read(mut self) -> Result<Vec<Word>, Refusal> {
        while let Some(next) = self.next() {
            match next {
                ' ' | '\t' | '\r' => self.words.extend(self.word.take()),
                '#' => break,
                '\'' => self.strong()?,
                '"' => self.weak()?,
                '\\' => self.escape(false)?,
                other => self.push(other),
            }
        }
        self.words.extend(self.word.take());
        Ok(self.words)
    }

    fn next(&mut self) -> Option<char> {
        let next = self.chars.get(self.at).copied();
        self.at += 1;
        next
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    /// The word that is being read; quotes begin one even if nothing is in them.
    fn word(&mut self) -> &mut Word {
        let column = self.at;
        self.word.get_or_insert_with(|| Word { column, ..Word::default() })
    }

    fn push(&mut self, c: char) {
        self.word().text.push(c);
    }

    /// In single quotes all is as it stands.
    fn strong(&mut self) -> Result<(), Refusal> {
        let start = self.at;
        self.word();
        loop {
            match self.next() {
                Some('\'') => return Ok(()),
                Some(other) => self.push(other),
                None => return Err(self.refuse(start, "unmatched quote")),
            }
        }
    }

    /// In double quotes there are escapes and variables.
    fn weak(&mut self) -> Result<(), Refusal> {
        let start = self.at;
        self.word();
        loop {
            match self.next() {
                Some('"') => return Ok(()),
                Some('\\') => self.escape(true)?,
                Some('$') => self.variable()?,
                Some(other) => self.push(other),
                None => return Err(self.refuse(start, "unmatched quote")),
            }
        }
    }

    /// A backslash before anything else is one.
    fn escape(&mut self, quoted: bool) -> Result<(), Refusal> {
        let start = self.at;
        let meant = match self.peek() {
            Some(c @ (' ' | '#' | '\\' | '\'' | '"')) => c,
            Some('$') if quoted => '$',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('x') => {
                let digits: String = self.chars.iter().skip(self.at + 1).take(2).collect();
                let byte = u8::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 2);
                let Some(byte) = byte else {
                    return Err(self.refuse(start, "two hexadecimal digits are expected behind \\x"));
                };
                self.at += 2;
                char::from(byte)
            }
            _ => {
                self.push('\\');
                return Ok(());
            }
        };
        // The word begins with the backslash.
        self.word();
        self.at += 1;
        self.push(meant);
        Ok(())
    }

    /// `$NAME`, `${NAME}`, `${NAME-default}`.
    fn variable(&mut self) -> Result<(), Refusal> {
        let start = self.at;
        let braced = self.peek() == Some('{');
        if braced {
            self.at += 1;
        }
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        // `.FILE`, `.LINE` and `[*]` are HAProxy's own business, and rare.
        let default = if braced && self.peek() == Some('-') {
            self.at += 1;
            Some(self.take_while(|c| c != '}'))
        } else {
            None
        };
        if braced && self.next() != Some('}') {
            return Err(self.refuse(start, "`}` is expected behind the name of a variable"));
        }
        if name.is_empty() {
            return Err(self.refuse(start, "the name of a variable is expected behind `$`"));
        }
        match self.environment.get(&name).or(default.as_ref()) {
            Some(value) => self.word().text.push_str(&value.clone()),
            None => self.word().unknown = Some(name),
        }
        Ok(())
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> String {
        let taken: String = self.chars.iter().skip(self.at).take_while(|c| fits(**c)).collect();
        self.at += taken.chars().count();
        taken
    }

    fn refuse(&self, column: usize, message: &str) -> Refusal {
        Refusal { line: self.number, column, message: message.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &[&str]) {
        let known = Environment::from([("PORT".to_owned(), "80 81".to_owned())]);
        let words = words(line, 1, &known).unwrap_or_else(|refusal| panic!("{refusal:?}"));
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, expected, "{line}");
    }

    #[test]
    fn words_are_read_as_haproxy_reads_them() {
        check("", &[]);
        check("  # comment", &[]);
        check("\tbind *:80 # comment", &["bind", "*:80"]);
        check("bind :80#comment", &["bind", ":80"]);
        check(r"a b\ c d\#e \\ \n", &["a", "b c", "d#e", "\\", "\n"]);
        check(r"acl x path_reg ^/a\.b\x41", &["acl", "x", "path_reg", r"^/a\.bA"]);
        check(r#"a "b c" 'd "e' f"g"h "" 'i\n$X'"#, &["a", "b c", "d \"e", "fgh", "", r"i\n$X"]);
        check(r#""a\"b\$c" "\'d""#, &["a\"b$c", "'d"]);
        check(r#""$PORT" "${PORT}" "${NONE-8\1}" $PORT"#, &["80 81", "80 81", r"8\1", "$PORT"]);
        check("a \\", &["a", "\\"]);
        check("a\r", &["a"]);
    }

    #[test]
    fn words_know_where_they_are_and_what_is_not_known_of_them() {
        let words = words(r#" a  \ b "x$HOST" "#, 1, &Environment::new()).unwrap();
        let seen: Vec<_> = words.iter().map(|word| (word.column, word.unknown.as_deref())).collect();
        assert_eq!(seen, [(2, None), (5, None), (9, Some("HOST"))]);
    }

    #[test]
    fn what_haproxy_refuses_has_a_place() {
        for (line, column, message) in [
            ("bind \"a", 6, "unmatched quote"),
            ("bind 'a", 6, "unmatched quote"),
            (r"a \xg1", 3, r"two hexadecimal digits are expected behind \x"),
            (r#""${A""#, 2, "`}` is expected behind the name of a variable"),
            (r#""$ ""#, 2, "the name of a variable is expected behind `$`"),
        ] {
            let refusal = words(line, 7, &Environment::new()).unwrap_err();
            let expected = Refusal { line: 7, column, message: message.to_owned() };
            assert_eq!(refusal, expected, "{line}");
        }
    }
}
