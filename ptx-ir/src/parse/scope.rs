//! Nested scopes: names declared in braces inside a body are made unique, so that the braces can be dropped.
//!
//! # Source
//! PTX ISA 9.0, section 4.4 and 5.4 (identifiers are local to the block that declares them).

use std::collections::{HashMap, HashSet};

use super::token::{Kind, Token};

/// What a scope calls by another name. Names of ranges (`%r<4>`) are prefixes.
#[derive(Default)]
struct Scope {
    names: HashMap<String, String>,
    prefixes: HashMap<String, String>,
}

impl Scope {
    fn renamed(&self, name: &str) -> Option<String> {
        if let Some((name, part)) = super::operand::split_part(name) {
            return self.renamed(name).map(|new| format!("{new}.{}", part.name()));
        }
        if let Some(new) = self.names.get(name) {
            return Some(new.clone());
        }
        let digits = name.len() - name.chars().rev().take_while(char::is_ascii_digit).count();
        let (prefix, number) = name.split_at_checked(digits)?;
        // The declaration names the prefix alone.
        self.prefixes.get(prefix).map(|new| format!("{new}{number}"))
    }
}

/// The body with the braces of its scopes dropped.
pub(super) fn flatten(body: &[Token]) -> Vec<Token> {
    let mut taken: HashSet<String> = HashSet::new();
    let mut scopes: Vec<Scope> = vec![declare(body, 0, &mut taken)];
    let mut flat = Vec::with_capacity(body.len());
    let mut starts_statement = true;
    for (index, token) in body.iter().enumerate() {
        let is_scope = starts_statement;
        match &token.kind {
            Kind::Mark('{') if is_scope => {
                let scope = declare(body, index + 1, &mut taken);
                scopes.push(scope);
            }
            Kind::Mark('}') if is_scope => {
                if scopes.len() > 1 {
                    scopes.pop();
                }
            }
            Kind::Word(word) => {
                let kind = scopes
                    .iter()
                    .rev()
                    .find_map(|scope| scope.renamed(word))
                    .map_or_else(|| token.kind.clone(), Kind::Word);
                flat.push(Token { line: token.line, kind });
                starts_statement = false;
            }
            _ => {
                flat.push(token.clone());
                starts_statement = matches!(token.kind, Kind::Mark(';' | ':'));
            }
        }
        // `.loc` ends with its line: what follows is a statement whatever it is.
        if let (Some(next), false) = (body.get(index + 1), starts_statement)
            && next.line != token.line
            && is_line_directive(body, index)
        {
            starts_statement = true;
        }
    }
    flat
}

/// Whether the token belongs to a directive that ends with its line.
fn is_line_directive(body: &[Token], index: usize) -> bool {
    let line = body.get(index).map_or(0, |token| token.line);
    let first = body.get(..=index).unwrap_or(&[]).iter().rev().take_while(|token| token.line == line).last();
    matches!(first.map(|token| &token.kind), Some(Kind::Word(word)) if word == ".loc" || word == ".file")
}

/// The names that the scope from `start` on declares itself, and what they are called if they were taken.
fn declare(body: &[Token], start: usize, taken: &mut HashSet<String>) -> Scope {
    let mut scope = Scope::default();
    let (mut depth, mut index, mut starts_statement) = (0usize, start, true);
    while let Some(token) = body.get(index) {
        let begins = starts_statement;
        starts_statement =
            matches!(token.kind, Kind::Mark(';' | ':')) || (begins && matches!(token.kind, Kind::Mark('{' | '}')));
        match &token.kind {
            Kind::Mark('{') if begins => depth += 1,
            Kind::Mark('}') if begins => {
                let Some(outer) = depth.checked_sub(1) else { break };
                depth = outer;
            }
            Kind::Word(word) if depth == 0 && begins => {
                let is_label = body.get(index + 1).is_some_and(|next| next.kind == Kind::Mark(':'));
                if is_label {
                    add(&mut scope.names, word, taken);
                } else if matches!(word.as_str(), ".reg" | ".param" | ".local" | ".shared") {
                    index = declare_names(body, index + 1, &mut scope, taken);
                    continue;
                } else if matches!(word.as_str(), ".loc" | ".file") {
                    while body.get(index).is_some_and(|next| next.line == token.line) {
                        index += 1;
                    }
                    starts_statement = true;
                    continue;
                }
            }
            _ => {}
        }
        index += 1;
    }
    scope
}

/// Names between a directive and its semicolon, which is left.
fn declare_names(body: &[Token], start: usize, scope: &mut Scope, taken: &mut HashSet<String>) -> usize {
    let mut index = start;
    let mut in_initialiser = false;
    while let Some(token) = body.get(index) {
        match &token.kind {
            Kind::Mark(';') => break,
            Kind::Mark('=') => in_initialiser = true,
            Kind::Word(word) if !word.starts_with('.') && !in_initialiser => {
                let is_range = body.get(index + 1).is_some_and(|next| next.kind == Kind::Mark('<'));
                add(if is_range { &mut scope.prefixes } else { &mut scope.names }, word, taken);
            }
            _ => {}
        }
        index += 1;
    }
    index
}

fn add(names: &mut HashMap<String, String>, name: &str, taken: &mut HashSet<String>) {
    if names.contains_key(name) || taken.insert(name.to_owned()) {
        // Free, or declared twice in one scope: that is for the reader of declarations to say.
        return;
    }
    // Ends in a letter, so that a number behind it stays a number.
    let new = (1u32..).map(|number| format!("{name}_{number}s")).find(|new| taken.insert(new.clone()));
    if let Some(new) = new {
        names.insert(name.to_owned(), new);
    }
}
