//! Words, numbers and punctuation with their lines.

use super::error::{ParseError, Problem};

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) line: u32,
    pub(super) kind: Kind,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A dotted word: mnemonic, directive, name; starts with a letter or one of `. % $ _`.
    Word(String),
    /// A number, sign excluded.
    Number(String),
    /// A string without its quotes.
    Text,
    /// One character.
    Mark(char),
}

impl Token {
    /// The text for error messages.
    pub(super) fn text(&self) -> String {
        match &self.kind {
            Kind::Word(text) | Kind::Number(text) => text.clone(),
            Kind::Text => "a string".to_owned(),
            Kind::Mark(mark) => mark.to_string(),
        }
    }
}

/// Cuts `text` into tokens, leaving comments out.
pub(super) fn scan(text: &str) -> (Vec<Token>, Vec<ParseError>) {
    let (mut tokens, mut errors) = (Vec::new(), Vec::new());
    let mut line = 1u32;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = match character {
            '\n' => {
                line = line.saturating_add(1);
                1
            }
            _ if character.is_whitespace() => character.len_utf8(),
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => {
                let length = rest.find("*/").map_or(rest.len(), |end| end + 2);
                let breaks = rest.get(..length).unwrap_or("").matches('\n').count();
                line = line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
                length
            }
            '"' => {
                tokens.push(Token { line, kind: Kind::Text });
                rest.get(1..).and_then(|tail| tail.find('"')).map_or(rest.len(), |end| end + 2)
            }
            '0'..='9' => {
                let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len());
                tokens.push(Token { line, kind: Kind::Number(rest.get(..length).unwrap_or("").to_owned()) });
                length
            }
            'a'..='z' | 'A'..='Z' | '.' | '%' | '$' | '_' => {
                let length = if character == '.' { directive_length(rest) } else { word_length(rest) };
                tokens.push(Token { line, kind: Kind::Word(rest.get(..length).unwrap_or("").to_owned()) });
                length
            }
            '{' | '}' | '(' | ')' | '[' | ']' | '<' | '>' | ',' | ';' | ':' | '@' | '!' | '|' | '+' | '-' | '=' => {
                tokens.push(Token { line, kind: Kind::Mark(character) });
                1
            }
            other => {
                errors.push(ParseError { line, problem: Problem::Stray { character: other } });
                other.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or("");
    }
    (tokens, errors)
}

/// The first of `.reg.b32`, which are two words: only modifiers belong to the word before them.
fn directive_length(text: &str) -> usize {
    let length = word_length(text);
    text.get(1..length).and_then(|tail| tail.find('.')).map_or(length, |dot| dot + 1)
}

/// Letters, digits, `_ $ % .`, and `::` inside a modifier such as `.L2::128B`.
fn word_length(text: &str) -> usize {
    let mut length = 0;
    while let Some(tail) = text.get(length..) {
        let step = match tail.chars().next() {
            Some(c) if c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '%' | '.') => 1,
            Some(':') if tail.starts_with("::") => 2,
            _ => break,
        };
        length += step;
    }
    length
}
