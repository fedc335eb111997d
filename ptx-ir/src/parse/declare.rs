//! Directives: module headers, entries, parameters, limits, shared arrays at module level.

use super::error::{ParseError, Problem};
use super::operand::{Cursor, Names, Result};
use super::token::{Kind, Token};
use super::{Source, body};
use crate::ir::{Kernel, Limits, Module, Param, SharedArray, SharedSize, Type};
use crate::target::Target;

/// Reads a whole module, going on after each error at the next semicolon or brace.
pub(super) fn read_module(tokens: &[Token], errors: &mut Vec<ParseError>) -> Option<Source> {
    let no_names = Names::default();
    let mut cursor = Cursor { tokens, position: 0, names: &no_names };
    let (mut target, mut outside) = (None, Outside::default());
    let (mut kernels, mut lines) = (Vec::new(), Vec::new());
    while cursor.peek().is_some() {
        let before = cursor.position;
        match read_directive(&mut cursor, &mut target, &mut outside, errors) {
            Ok(Some((kernel, kernel_lines))) => {
                kernels.push(kernel);
                lines.push(kernel_lines);
            }
            Ok(None) => {}
            Err(error) => {
                errors.push(error);
                skip_statement(&mut cursor);
            }
        }
        // Whatever happened, go on.
        cursor.position = cursor.position.max(before + 1);
    }
    let Some(target) = target else {
        errors.push(ParseError {
            line: 1,
            problem: Problem::Expected { wanted: "a .target directive", found: "none".to_owned() },
        });
        return None;
    };
    Some(Source { module: Module { target, kernels }, lines })
}

type Entry = (Kernel, Vec<u32>);

/// Shared arrays at module level.
#[derive(Default)]
struct Outside {
    arrays: Vec<SharedArray>,
    /// How many of them stood before the last entry.
    old: usize,
}

impl Outside {
    /// Those of the entry `name`: what its body mentions, and what the printer puts right before it under its name.
    fn of_entry(&self, name: &str, body: &[Token]) -> Vec<SharedArray> {
        let belongs = |(index, array): (usize, &SharedArray)| {
            let own = index >= self.old && without_prefix(&array.name, name) != array.name;
            own || mentions(body, &array.name)
        };
        self.arrays.iter().enumerate().filter(|pair| belongs(*pair)).map(|(_, array)| array.clone()).collect()
    }
}

fn read_directive(
    cursor: &mut Cursor<'_>,
    target: &mut Option<Target>,
    outside: &mut Outside,
    errors: &mut Vec<ParseError>,
) -> Result<Option<Entry>> {
    let word = cursor.word("a directive")?;
    match word {
        ".version" => match cursor.peek().map(|token| &token.kind) {
            Some(Kind::Number(_)) => cursor.position += 1,
            _ => return cursor.expected("a version"),
        },
        ".target" => {
            let name = cursor.word("a target")?;
            let known = Target::from_name(name);
            *target = Some(
                known.ok_or_else(|| cursor.error(Problem::Unsupported { what: "target", text: name.to_owned() }))?,
            );
            while cursor.accept(',') {
                cursor.word("a target option")?;
            }
        }
        ".address_size" => {
            let bits = cursor.unsigned()?;
            if bits != 64 {
                return Err(cursor.error(Problem::Unsupported { what: "address size", text: bits.to_string() }));
            }
        }
        ".visible" | ".weak" | ".extern" => {}
        ".file" | ".loc" => skip_line(cursor),
        ".section" => skip_block(cursor)?,
        ".shared" => outside.arrays.push(read_shared(cursor)?),
        ".entry" => {
            let entry = read_entry(cursor, outside, errors);
            outside.old = outside.arrays.len();
            return entry.map(Some);
        }
        other => return Err(cursor.error(Problem::Unsupported { what: "directive", text: other.to_owned() })),
    }
    Ok(None)
}

/// `.align 16 .b8 name[64];`, the word `.shared` being taken.
pub(super) fn read_shared(cursor: &mut Cursor<'_>) -> Result<SharedArray> {
    let mut align = None;
    let mut word = cursor.word("a type")?;
    if word == ".align" {
        align = Some(cursor.unsigned()?);
        word = cursor.word("a type")?;
    }
    let ty = read_type(cursor, word)?;
    let name = cursor.word("a name")?.to_owned();
    let mut size = SharedSize::Static(ty.bytes());
    if cursor.accept('[') {
        size = if cursor.is_mark(']') {
            SharedSize::Dynamic
        } else {
            let bytes = cursor.unsigned()?.checked_mul(ty.bytes());
            SharedSize::Static(bytes.ok_or_else(|| cursor.error(Problem::Number { text: name.clone() }))?)
        };
        cursor.mark(']', "`]`")?;
    }
    cursor.mark(';', "`;`")?;
    Ok(SharedArray { name, align: align.unwrap_or_else(|| ty.bytes().max(1)), size })
}

pub(super) fn read_type(cursor: &Cursor<'_>, word: &str) -> Result<Type> {
    let ty = word.strip_prefix('.').and_then(Type::from_name);
    ty.ok_or_else(|| cursor.error(Problem::Unsupported { what: "type", text: word.to_owned() }))
}

fn read_entry(cursor: &mut Cursor<'_>, outside: &Outside, errors: &mut Vec<ParseError>) -> Result<Entry> {
    let name = cursor.word("a kernel's name")?.to_owned();
    let mut names = Names::default();
    let mut kernel =
        Kernel { name, params: Vec::new(), shared: Vec::new(), limits: Limits::default(), body: Vec::new() };
    if cursor.accept('(') {
        read_params(cursor, &mut kernel, &mut names)?;
    }
    read_limits(cursor, &mut kernel.limits)?;
    cursor.mark('{', "`{`")?;
    let body = body_tokens(cursor)?;
    for array in outside.of_entry(&kernel.name, body) {
        let index = u32::try_from(kernel.shared.len()).unwrap_or(u32::MAX);
        names.shared.insert(array.name.clone(), index);
        let name = if array.size == SharedSize::Dynamic {
            without_prefix(&array.name, &kernel.name)
        } else {
            array.name.clone()
        };
        kernel.shared.push(SharedArray { name, ..array });
    }
    body::read_declarations(body, &mut kernel, &mut names, errors);
    let lines = body::read_body(body, &mut kernel, &names, errors);
    Ok((kernel, lines))
}

fn mentions(tokens: &[Token], name: &str) -> bool {
    tokens.iter().any(|token| matches!(&token.kind, Kind::Word(word) if word == name))
}

/// The name that the printer put behind the kernel's.
fn without_prefix(name: &str, kernel: &str) -> String {
    let short = name.strip_prefix(kernel).and_then(|rest| rest.strip_prefix('_')).filter(|rest| !rest.is_empty());
    short.unwrap_or(name).to_owned()
}

fn read_params(cursor: &mut Cursor<'_>, kernel: &mut Kernel, names: &mut Names) -> Result<()> {
    while !cursor.accept(')') {
        if cursor.word("`.param`")? != ".param" {
            cursor.position -= 1;
            return cursor.expected("`.param`");
        }
        let (mut align, mut ty, mut pointer) = (None, None, false);
        let name = loop {
            match cursor.word("a parameter's type or name")? {
                // `.ptr .align` describes what a pointer points at, not the parameter.
                ".align" if pointer => drop(cursor.unsigned()?),
                ".align" => align = Some(cursor.unsigned()?),
                ".ptr" => pointer = true,
                ".global" | ".shared" | ".const" | ".local" => {}
                word if word.starts_with('.') => ty = Some(read_type(cursor, word)?),
                word => break word.to_owned(),
            }
        };
        let Some(ty) = ty else { return cursor.expected("a parameter's type") };
        let mut bytes = ty.bytes();
        let mut array = false;
        if cursor.accept('[') {
            let count = cursor.unsigned()?;
            bytes =
                count.checked_mul(bytes).ok_or_else(|| cursor.error(Problem::Number { text: count.to_string() }))?;
            cursor.mark(']', "`]`")?;
            array = true;
        }
        let index = u32::try_from(kernel.params.len()).unwrap_or(u32::MAX);
        if names.params.insert(name.clone(), index).is_some() {
            return Err(cursor.error(Problem::Redeclared { name }));
        }
        let align = align.unwrap_or_else(|| ty.bytes());
        let ty = if array { Type::B8 } else { ty };
        kernel.params.push(Param { name: without_prefix(&name, &kernel.name), ty, bytes, align });
        if !cursor.accept(',') && !cursor.is_mark(')') {
            return cursor.expected("`,` or `)`");
        }
    }
    Ok(())
}

fn read_limits(cursor: &mut Cursor<'_>, limits: &mut Limits) -> Result<()> {
    while !cursor.is_mark('{') {
        match cursor.word("`{`")? {
            ".reqntid" => limits.required_threads = Some(read_extent(cursor)?),
            ".maxntid" => limits.max_threads = Some(read_extent(cursor)?),
            ".minnctapersm" => limits.min_blocks = Some(cursor.unsigned()?),
            ".maxnreg" => limits.max_registers = Some(cursor.unsigned()?),
            other => return Err(cursor.error(Problem::Unsupported { what: "directive", text: other.to_owned() })),
        }
    }
    Ok(())
}

fn read_extent(cursor: &mut Cursor<'_>) -> Result<[u32; 3]> {
    let x = cursor.unsigned()?;
    let y = cursor.maybe(Cursor::unsigned)?.unwrap_or(1);
    let z = cursor.maybe(Cursor::unsigned)?.unwrap_or(1);
    Ok([x, y, z])
}

/// The tokens up to the brace that closes the one just taken.
fn body_tokens<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [Token]> {
    let start = cursor.position;
    let mut depth = 1usize;
    while let Some(token) = cursor.peek() {
        match token.kind {
            Kind::Mark('{') => depth += 1,
            Kind::Mark('}') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        cursor.position += 1;
    }
    let body = cursor.tokens.get(start..cursor.position).unwrap_or(&[]);
    cursor.mark('}', "`}`")?;
    Ok(body)
}

pub(super) fn skip_statement(cursor: &mut Cursor<'_>) {
    while cursor.peek().is_some() && !cursor.accept(';') {
        if cursor.is_mark('{') || cursor.is_mark('}') {
            return;
        }
        cursor.position += 1;
    }
}

pub(super) fn skip_line(cursor: &mut Cursor<'_>) {
    let line = cursor.tokens.get(cursor.position.saturating_sub(1)).map_or(0, |token| token.line);
    while cursor.peek().is_some_and(|token| token.line == line) {
        cursor.position += 1;
    }
}

fn skip_block(cursor: &mut Cursor<'_>) -> Result<()> {
    while cursor.peek().is_some() && !cursor.accept('{') {
        cursor.position += 1;
    }
    body_tokens(cursor).map(|_| ())
}
