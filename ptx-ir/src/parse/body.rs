//! Bodies of kernels: registers, shared arrays and labels first, then the statements that use them.

use std::collections::HashMap;

use super::declare::{read_shared, read_type, skip_line, skip_statement};
use super::error::{ParseError, Problem};
use super::inst;
use super::operand::{Cursor, Names, Result};
use super::token::{Kind, Token};
use crate::ir::{Guard, Inst, Kernel, Label, Local, LocalKind, Reg, RegClass, SharedArray, SharedSize, Statement};

/// First pass over a body: registers, shared arrays and labels, which may be used before they stand.
pub(super) fn read_declarations(body: &[Token], kernel: &mut Kernel, names: &mut Names, errors: &mut Vec<ParseError>) {
    let no_names = Names::default();
    let mut cursor = Cursor { tokens: body, position: 0, names: &no_names };
    let mut next = HashMap::new();
    let mut singles = Vec::new();
    let mut label_words = Vec::new();
    while let Some(token) = cursor.peek() {
        let result = match &token.kind {
            Kind::Word(word) if word == ".reg" => {
                cursor.position += 1;
                read_registers(&mut cursor, names, &mut next, &mut singles)
            }
            Kind::Word(word) if word == ".shared" => {
                cursor.position += 1;
                read_shared(&mut cursor).and_then(|array| declare_shared(&cursor, array, kernel, names))
            }
            Kind::Word(word) if word == ".local" || word == ".param" => {
                let kind = if word == ".local" { LocalKind::Stack } else { LocalKind::Argument };
                cursor.position += 1;
                read_shared(&mut cursor).and_then(|array| declare_local(&cursor, array, kind, kernel, names))
            }
            Kind::Word(word) if is_table(body, cursor.position) => {
                cursor.position += 3;
                read_table(&mut cursor).map(|labels| drop(names.tables.insert(word.clone(), labels)))
            }
            Kind::Word(word) if body.get(cursor.position + 1).is_some_and(|token| token.kind == Kind::Mark(':')) => {
                label_words.push((word.clone(), token.line));
                cursor.position += 2;
                Ok(())
            }
            _ => {
                cursor.position += 1;
                Ok(())
            }
        };
        if let Err(error) = result {
            errors.push(error);
            skip_statement(&mut cursor);
        }
    }
    // Names without a range get the numbers after the ranges of their class.
    for (name, class) in singles {
        let number = next.entry(class).or_insert(0u32);
        names.registers.insert(name, Reg { class, number: *number });
        *number = number.saturating_add(1);
    }
    names.free = next;
    number_labels(label_words, names, errors);
}

fn declare_shared(cursor: &Cursor<'_>, array: SharedArray, kernel: &mut Kernel, names: &mut Names) -> Result<()> {
    let index = u32::try_from(kernel.shared.len()).unwrap_or(u32::MAX);
    if names.shared.insert(array.name.clone(), index).is_some() {
        return Err(cursor.error(Problem::Redeclared { name: array.name }));
    }
    kernel.shared.push(array);
    Ok(())
}

/// `name: .branchtargets`
fn is_table(body: &[Token], position: usize) -> bool {
    let directive = |token: &Token| matches!(&token.kind, Kind::Word(word) if word == ".branchtargets");
    body.get(position + 1).is_some_and(|token| token.kind == Kind::Mark(':'))
        && body.get(position + 2).is_some_and(directive)
}

fn read_table(cursor: &mut Cursor<'_>) -> Result<Vec<String>> {
    let mut labels = vec![cursor.word("a label")?.to_owned()];
    while cursor.accept(',') {
        labels.push(cursor.word("a label")?.to_owned());
    }
    cursor.mark(';', "`;`")?;
    Ok(labels)
}

fn declare_local(
    cursor: &Cursor<'_>,
    array: SharedArray,
    kind: LocalKind,
    kernel: &mut Kernel,
    names: &mut Names,
) -> Result<()> {
    let SharedArray { name, align, size } = array;
    let SharedSize::Static(bytes) = size else {
        return Err(cursor.error(Problem::Unsupported { what: "array without a size", text: name }));
    };
    let index = u32::try_from(kernel.locals.len()).unwrap_or(u32::MAX);
    if names.locals.insert(name.clone(), index).is_some() {
        return Err(cursor.error(Problem::Redeclared { name }));
    }
    kernel.locals.push(Local { name, kind, align, bytes });
    Ok(())
}

fn read_registers(
    cursor: &mut Cursor<'_>,
    names: &mut Names,
    next: &mut HashMap<RegClass, u32>,
    singles: &mut Vec<(String, RegClass)>,
) -> Result<()> {
    let word = cursor.word("a register's type")?;
    let class = read_type(cursor, word)?.class();
    loop {
        let name = cursor.word("a register's name")?.to_owned();
        let taken = names.ranges.contains_key(&name) || singles.iter().any(|(single, _)| *single == name);
        if taken {
            return Err(cursor.error(Problem::Redeclared { name }));
        }
        if cursor.accept('<') {
            let count = cursor.unsigned()?;
            cursor.mark('>', "`>`")?;
            let first = next.entry(class).or_insert(0);
            let end = first.checked_add(count);
            let end = end.ok_or_else(|| cursor.error(Problem::Number { text: count.to_string() }))?;
            names.ranges.insert(name, (Reg { class, number: *first }, count));
            *first = end;
        } else {
            singles.push((name, class));
        }
        if !cursor.accept(',') {
            return cursor.mark(';', "`;`");
        }
    }
}

/// `$L7` keeps its number where every label is of that form; otherwise labels are numbered as they stand.
fn number_labels(words: Vec<(String, u32)>, names: &mut Names, errors: &mut Vec<ParseError>) {
    let own = |word: &str| {
        word.strip_prefix("$L")
            .and_then(|digits| digits.parse::<u32>().ok().filter(|number| number.to_string() == digits))
    };
    let keep = words.iter().all(|(word, _)| own(word).is_some());
    for (index, (word, line)) in (0u32..).zip(words) {
        let number = if keep { own(&word).unwrap_or(index) } else { index };
        if names.labels.insert(word.clone(), Label(number)).is_some() {
            errors.push(ParseError { line, problem: Problem::Redeclared { name: word } });
        }
    }
}

/// Second pass: instructions.
pub(super) fn read_body(body: &[Token], kernel: &mut Kernel, names: &Names, errors: &mut Vec<ParseError>) -> Vec<u32> {
    let mut cursor = Cursor { tokens: body, position: 0, names };
    let mut lines = Vec::new();
    while let Some(token) = cursor.peek() {
        let line = token.line;
        match read_statement(&mut cursor) {
            Ok(Some(statement)) => {
                kernel.body.push(statement);
                lines.push(line);
            }
            Ok(None) => {}
            Err(error) => {
                errors.push(error);
                // Scopes were flattened: braces that are left belong to the statement.
                while cursor.peek().is_some() && !cursor.accept(';') {
                    cursor.position += 1;
                }
            }
        }
    }
    lines
}

fn read_statement(cursor: &mut Cursor<'_>) -> Result<Option<Statement>> {
    let mut guard = None;
    if cursor.accept('@') {
        let negate = cursor.accept('!');
        guard = Some(Guard { pred: cursor.register()?, negate });
    } else if cursor.accept(';') {
        return Ok(None);
    }
    let mnemonic = cursor.word("an instruction")?;
    if cursor.is_mark(':') && guard.is_none() {
        if cursor.names.tables.contains_key(mnemonic) {
            cursor.position += 2;
            return read_table(cursor).map(|_| None);
        }
        cursor.position -= 1;
        let label = cursor.label()?;
        cursor.position += 1;
        return Ok(Some(Statement::Label(label)));
    }
    match mnemonic {
        ".reg" | ".shared" | ".local" | ".param" | ".pragma" => {
            while cursor.peek().is_some() && !cursor.accept(';') {
                cursor.position += 1;
            }
            return Ok(None);
        }
        ".loc" | ".file" => {
            skip_line(cursor);
            return Ok(None);
        }
        _ => {}
    }
    let op = inst::read(cursor, mnemonic)?;
    cursor.mark(';', "`;`")?;
    Ok(Some(Statement::Inst(Inst { guard, op })))
}
