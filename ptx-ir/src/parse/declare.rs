//! Directives: module headers, entries, parameters, limits, shared arrays at module level.

use std::collections::{HashMap, HashSet};

use super::error::{ParseError, Problem};
use super::operand::{Cursor, Names, Result};
use super::token::{Kind, Token};
use super::variable::read_variable;
use super::{Source, body, scope};
use crate::ir::{Function, Kernel, Limits, Module, Param, SharedArray, SharedSize, Space, Type, Variable};
use crate::target::Target;

/// Reads a whole module, or what one kernel of it needs, going on after each error at the next semicolon or brace.
pub(super) fn read_module(tokens: &[Token], wanted: Option<&str>, errors: &mut Vec<ParseError>) -> Option<Source> {
    let no_names = Names::default();
    let mut cursor = Cursor { tokens, position: 0, names: &no_names };
    let (mut target, mut outside) = (None, Outside { wanted: wanted.map(str::to_owned), ..Outside::default() });
    let (mut kernels, mut lines) = (Vec::new(), Vec::new());
    let (mut functions, mut function_lines) = (Vec::new(), Vec::new());
    while cursor.peek().is_some() {
        let before = cursor.position;
        match read_directive(&mut cursor, &mut target, &mut outside, errors) {
            Ok(Some(Item::Entry(kernel, kernel_lines))) => {
                kernels.push(kernel);
                lines.push(kernel_lines);
            }
            Ok(Some(Item::Function(function, lines_of_function, errors_of_function))) => {
                functions.push((function, errors_of_function));
                function_lines.push(lines_of_function);
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
    // What is declared first and defined later is defined; what is not defined at all is elsewhere.
    let Outside { variables, prototypes, .. } = outside;
    for prototype in prototypes {
        if !functions.iter().any(|(function, _): &(Function, _)| function.code.name == prototype.code.name) {
            functions.push((prototype, Vec::new()));
            function_lines.push(Vec::new());
        }
    }
    let needed = wanted.map(|_| needed(&kernels, &functions, &variables));
    let variables = variables
        .into_iter()
        .filter(|variable| needed.as_ref().is_none_or(|needed| needed.contains(&variable.name)))
        .collect();
    let kept = functions.into_iter().zip(function_lines);
    let kept =
        kept.filter(|((function, _), _)| needed.as_ref().is_none_or(|needed| needed.contains(&function.code.name)));
    let (mut functions, mut function_lines) = (Vec::new(), Vec::new());
    for ((function, more), lines_of_function) in kept {
        errors.extend(more);
        functions.push(function);
        function_lines.push(lines_of_function);
    }
    Some(Source { module: Module { target, variables, functions, kernels }, lines, function_lines })
}

/// The names of the functions and variables that kernels mention, and those mention, and so on.
fn needed(kernels: &[Kernel], functions: &[(Function, Vec<ParseError>)], variables: &[Variable]) -> HashSet<String> {
    let mut names: HashSet<String> = kernels.iter().flat_map(|kernel| kernel.symbols.iter().cloned()).collect();
    loop {
        let before = names.len();
        for (function, _) in functions {
            if names.contains(&function.code.name) {
                names.extend(function.code.symbols.iter().cloned());
            }
        }
        for variable in variables {
            if !names.contains(&variable.name) {
                continue;
            }
            names.extend(variable.pointers.iter().map(|pointer| pointer.to.clone()));
        }
        if names.len() == before {
            return names;
        }
    }
}

/// What stands at module level with a body.
enum Item {
    Entry(Kernel, Vec<u32>),
    /// With what is wrong with it.
    Function(Function, Vec<u32>, Vec<ParseError>),
}

/// What stands at module level without a body.
#[derive(Default)]
struct Outside {
    variables: Vec<Variable>,
    prototypes: Vec<Function>,
    /// Names of functions that were declared or defined so far.
    functions: HashSet<String>,
    arrays: Vec<SharedArray>,
    /// How many of them stood before the last entry.
    old: usize,
    /// The only kernel that is read, if not all are.
    wanted: Option<String>,
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
) -> Result<Option<Item>> {
    if cursor.accept(';') {
        return Ok(None);
    }
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
        ".visible" | ".weak" | ".extern" | ".common" => {}
        ".global" => outside.variables.push(read_variable(cursor, Space::Global)?),
        ".const" => outside.variables.push(read_variable(cursor, Space::Const)?),
        ".pragma" => {
            while cursor.peek().is_some() && !cursor.accept(';') {
                cursor.position += 1;
            }
        }
        ".func" => return read_function(cursor, outside),
        ".file" | ".loc" => skip_line(cursor),
        ".section" => skip_block(cursor)?,
        ".shared" => outside.arrays.push(read_shared(cursor)?),
        ".entry" => {
            let entry = read_entry(cursor, outside, errors);
            outside.old = outside.arrays.len();
            return entry.map(|read| read.map(|(kernel, lines)| Item::Entry(kernel, lines)));
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

/// A kernel; `None` for one that is not wanted.
fn read_entry(
    cursor: &mut Cursor<'_>,
    outside: &Outside,
    errors: &mut Vec<ParseError>,
) -> Result<Option<(Kernel, Vec<u32>)>> {
    let name = cursor.word("a kernel's name")?.to_owned();
    if outside.wanted.as_ref().is_some_and(|wanted| *wanted != name) {
        return skip_block(cursor).map(|()| None);
    }
    let mut names = Names::default();
    let mut kernel = Kernel::new(&name);
    if cursor.accept('(') {
        kernel.params = read_params(cursor, &kernel.name, &mut names.params)?;
    }
    read_limits(cursor, &mut kernel.limits)?;
    let lines = read_code(cursor, outside, &mut kernel, names, errors)?;
    Ok(Some((kernel, lines)))
}

/// A function's definition; `None` for a declaration, which is noted.
fn read_function(cursor: &mut Cursor<'_>, outside: &mut Outside) -> Result<Option<Item>> {
    let mut names = Names::default();
    let mut results = Vec::new();
    if cursor.accept('(') {
        // The results' names carry the function's name, which stands behind them.
        let name = cursor
            .tokens
            .get(cursor.position..)
            .unwrap_or(&[])
            .iter()
            .skip_while(|token| token.kind != Kind::Mark(')'))
            .find_map(|token| if let Kind::Word(word) = &token.kind { Some(word.as_str()) } else { None });
        results = read_params(cursor, name.unwrap_or(""), &mut names.results)?;
    }
    let name = cursor.word("a function's name")?.to_owned();
    let mut code = Kernel::new(&name);
    if cursor.accept('(') {
        code.params = read_params(cursor, &code.name, &mut names.params)?;
    }
    outside.functions.insert(name);
    while let Some(Kind::Word(word)) = cursor.peek().map(|token| &token.kind) {
        match word.as_str() {
            ".noreturn" => cursor.position += 1,
            _ => return cursor.expected("`{` or `;`"),
        }
    }
    if cursor.accept(';') {
        outside.prototypes.push(Function { results, code, is_external: true });
        return Ok(None);
    }
    let mut errors = Vec::new();
    let lines = read_code(cursor, outside, &mut code, names, &mut errors)?;
    Ok(Some(Item::Function(Function { results, code, is_external: false }, lines, errors)))
}

/// A body in its braces; the lines of its statements.
fn read_code(
    cursor: &mut Cursor<'_>,
    outside: &Outside,
    kernel: &mut Kernel,
    mut names: Names,
    errors: &mut Vec<ParseError>,
) -> Result<Vec<u32>> {
    cursor.mark('{', "`{`")?;
    let body = scope::flatten(body_tokens(cursor)?);
    let body = body.as_slice();
    for token in body {
        if let Kind::Word(word) = &token.kind
            && (outside.functions.contains(word) || outside.variables.iter().any(|variable| variable.name == *word))
            && !names.symbols.contains_key(word)
        {
            let index = u32::try_from(kernel.symbols.len()).unwrap_or(u32::MAX);
            names.symbols.insert(word.clone(), index);
            kernel.symbols.push(word.clone());
        }
    }
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
    body::read_declarations(body, kernel, &mut names, errors);
    Ok(body::read_body(body, kernel, &names, errors))
}

fn mentions(tokens: &[Token], name: &str) -> bool {
    tokens.iter().any(|token| matches!(&token.kind, Kind::Word(word) if word == name))
}

/// The name that the printer put behind the kernel's.
fn without_prefix(name: &str, kernel: &str) -> String {
    let short = name.strip_prefix(kernel).and_then(|rest| rest.strip_prefix('_')).filter(|rest| !rest.is_empty());
    short.unwrap_or(name).to_owned()
}

fn read_params(cursor: &mut Cursor<'_>, kernel: &str, names: &mut HashMap<String, u32>) -> Result<Vec<Param>> {
    let mut params = Vec::new();
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
        let index = u32::try_from(params.len()).unwrap_or(u32::MAX);
        if names.insert(name.clone(), index).is_some() {
            return Err(cursor.error(Problem::Redeclared { name }));
        }
        let align = align.unwrap_or_else(|| ty.bytes());
        let ty = if array { Type::B8 } else { ty };
        params.push(Param { name: without_prefix(&name, kernel), ty, bytes, align });
        if !cursor.accept(',') && !cursor.is_mark(')') {
            return cursor.expected("`,` or `)`");
        }
    }
    Ok(params)
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
