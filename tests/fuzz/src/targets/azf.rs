//! What the Azure Functions backend writes for others to read.

use sockerless_azf::kql::literal;

/// A text in a query is read back as that same text, and nothing of it stands outside of the literal.
pub(super) fn kql(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let query = format!("T | where A == {} | take 1", literal(&text));
    let rest = query.strip_prefix("T | where A == ").unwrap();
    assert!(!rest.contains(['\n', '\r']), "a line ends in a literal: {query:?}");
    let (read, rest) = parse(rest).unwrap_or_else(|| panic!("no literal: {query:?}"));
    assert_eq!((read.as_str(), rest), (&*text, " | take 1"), "{query:?}");
}

/// Reads a literal by the documentation of the language, and answers what follows on it.
fn parse(query: &str) -> Option<(String, &str)> {
    let mut characters = query.strip_prefix('"')?.chars();
    let mut text = String::new();
    loop {
        match characters.next()? {
            '"' => return Some((text, characters.as_str())),
            '\\' => match characters.next()? {
                'a' => text.push('\x07'),
                'b' => text.push('\x08'),
                'f' => text.push('\x0c'),
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                't' => text.push('\t'),
                'v' => text.push('\x0b'),
                'x' => text.push(number(&mut characters, 2)?),
                'u' => text.push(number(&mut characters, 4)?),
                'U' => text.push(number(&mut characters, 8)?),
                quoted @ ('\\' | '"' | '\'') => text.push(quoted),
                _ => return None,
            },
            other => text.push(other),
        }
    }
}

/// The character of so many hexadecimal digits.
fn number(characters: &mut std::str::Chars<'_>, digits: usize) -> Option<char> {
    let text: String = characters.take(digits).collect();
    (text.len() == digits).then_some(())?;
    char::from_u32(u32::from_str_radix(&text, 16).ok()?)
}
