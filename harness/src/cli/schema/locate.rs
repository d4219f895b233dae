//! Where in a JSON text a pointer points: for errors that name a line.

/// The line, from 1, on which the value at `pointer` begins in `text`, which is well-formed JSON. Where there is no
/// such value (a member that is missing), the line of the innermost value that there is.
pub(super) fn line_of(text: &str, pointer: &str) -> usize {
    let tokens: Vec<String> =
        pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
    let mut scanner = Scanner { text, at: 0 };
    let at = scanner.find(&tokens);
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Walks over well-formed JSON; anything else ends the walk early and never fails.
struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl Scanner<'_> {
    /// The offset of the value that `tokens` lead to, from the value at hand.
    fn find(&mut self, tokens: &[String]) -> usize {
        self.space();
        let mut found = self.at;
        let mut left = tokens;
        while let Some((token, rest)) = left.split_first() {
            let entered = match self.peek() {
                Some(b'{') => self.enter_member(token),
                Some(b'[') => token.parse().is_ok_and(|index| self.enter_item(index)),
                _ => false,
            };
            if !entered {
                break;
            }
            found = self.at;
            left = rest;
        }
        found
    }

    /// Goes to the value of the last member called `name`: of repeated names, most readers take the last.
    fn enter_member(&mut self, name: &str) -> bool {
        let mut found = None;
        self.at += 1;
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                break;
            }
            let start = self.at;
            self.skip();
            let matches =
                serde_json::from_str::<String>(&self.text[start..self.at]).is_ok_and(|key| key == name);
            self.space();
            self.eat(b':');
            self.space();
            if matches {
                found = Some(self.at);
            }
            self.skip();
            self.space();
            if !self.eat(b',') {
                break;
            }
        }
        found.is_some_and(|at| {
            self.at = at;
            true
        })
    }

    fn enter_item(&mut self, index: usize) -> bool {
        self.at += 1;
        for _ in 0..index {
            self.space();
            self.skip();
            self.space();
            if !self.eat(b',') {
                return false;
            }
        }
        self.space();
        self.peek().is_some_and(|byte| byte != b']')
    }

    /// Goes beyond the value at hand.
    fn skip(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                None => return,
                Some(b'"') => self.skip_text(),
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b'}' | b']') if depth == 0 => return,
                Some(b'}' | b']') => {
                    depth -= 1;
                    self.at += 1;
                }
                Some(b',' | b':') if depth == 0 => return,
                Some(byte) if depth == 0 && byte.is_ascii_whitespace() => return,
                Some(byte) if depth == 0 => {
                    self.at += 1;
                    // A number or a word goes on until something else begins.
                    if byte.is_ascii_alphanumeric() || b"+-.".contains(&byte) {
                        continue;
                    }
                    return;
                }
                Some(_) => {
                    self.at += 1;
                    continue;
                }
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn skip_text(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                return;
            }
        }
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn a_value_is_found_by_its_pointer() {
        let text = "{\n \"a\": [1, {},\n  {\"b\\n/~\": \"x]}\\\"\",\n   \"c\": -1.5e3}\n ],\n \"d\": null,\n \"d\":\n  true\n}";
        for (pointer, line) in [
            ("", 1),
            ("/a", 2),
            ("/a/1", 2),
            ("/a/2", 3),
            ("/a/2/b\n~1~0", 3),
            ("/a/2/c", 4),
            ("/d", 8),
            // Not there: the innermost that is.
            ("/a/7", 2),
            ("/a/2/z", 3),
            ("/z", 1),
            ("/d/x", 8),
        ] {
            assert_eq!(line_of(text, pointer), line, "{pointer:?}");
        }
    }

    #[test]
    fn no_text_makes_it_fail() {
        for text in ["", "{", "[", "{\"a\"", "{\"a\":", "[1,", "\"", "\"\\", "}", "nul", "{\"a\":\"\\"] {
            for pointer in ["", "/a", "/0/a", "/a/0"] {
                assert_eq!(line_of(text, pointer), 1);
            }
        }
    }
}
