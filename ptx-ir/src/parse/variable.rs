//! Variables of a module and their initialisers.

use super::declare::read_type;
use super::error::Problem;
use super::operand::{Cursor, Result};
use super::token::Kind;
use crate::ir::{Immediate, Pointer, Space, Type, Variable};

/// What an element of an initialiser is.
enum Element {
    Bits(u64),
    Address { to: String, offset: i64 },
}

/// `.align 4 .b8 name[8] = {1, 2};`, the word of the space being taken.
pub(super) fn read_variable(cursor: &mut Cursor<'_>, space: Space) -> Result<Variable> {
    let mut align = None;
    let mut ty = None;
    let mut vector = 1u32;
    let name = loop {
        match cursor.word("a type or a name")? {
            ".align" => align = Some(cursor.unsigned()?),
            ".v2" => vector = 2,
            ".v4" => vector = 4,
            // What attributes allow (managed memory) changes nothing here.
            ".attribute" => {
                while cursor.peek().is_some() && !cursor.accept(')') {
                    cursor.position += 1;
                }
            }
            word if word.starts_with('.') => ty = Some(read_type(cursor, word)?),
            word => break word.to_owned(),
        }
    };
    let Some(ty) = ty else { return cursor.expected("a type") };
    let too_large = |cursor: &Cursor<'_>, name: &str| cursor.error(Problem::Number { text: name.to_owned() });
    let mut count = vector;
    let mut unsized_first = false;
    while cursor.accept('[') {
        if cursor.accept(']') {
            unsized_first = true;
            continue;
        }
        let extent = cursor.unsigned()?;
        count = count.checked_mul(extent).ok_or_else(|| too_large(cursor, &name))?;
        cursor.mark(']', "`]`")?;
    }
    let mut variable = Variable {
        align: align.unwrap_or_else(|| (ty.bytes() * vector).max(1)),
        space,
        bytes: count.checked_mul(ty.bytes()).ok_or_else(|| too_large(cursor, &name))?,
        data: Vec::new(),
        pointers: Vec::new(),
        name,
    };
    if cursor.accept('=') {
        read_initialiser(cursor, ty, &mut variable)?;
    }
    let given = u32::try_from(variable.data.len()).unwrap_or(u32::MAX);
    if unsized_first {
        variable.bytes = given;
    } else if given > variable.bytes {
        return Err(too_large(cursor, &variable.name));
    }
    cursor.mark(';', "`;`")?;
    Ok(variable)
}

/// A value or nested braces of them, one after the other.
fn read_initialiser(cursor: &mut Cursor<'_>, ty: Type, variable: &mut Variable) -> Result<()> {
    let mut depth = 0usize;
    loop {
        if cursor.accept('{') {
            depth += 1;
            continue;
        }
        if cursor.accept('}') {
            depth = depth.saturating_sub(1);
        } else {
            match read_element(cursor, ty)? {
                Element::Bits(bits) => {
                    let bytes = bits.to_le_bytes();
                    variable.data.extend(bytes.iter().take(ty.bytes() as usize));
                }
                Element::Address { to, offset } => {
                    let at = u32::try_from(variable.data.len()).unwrap_or(u32::MAX);
                    if ty.bytes() != 8 {
                        return Err(cursor.error(Problem::Unsupported { what: "initialiser", text: to }));
                    }
                    variable.data.extend([0; 8]);
                    variable.pointers.push(Pointer { at, to, offset });
                }
            }
        }
        if depth == 0 {
            return Ok(());
        }
        cursor.accept(',');
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounding a decimal literal to f32 is what PTX does with it")]
fn read_element(cursor: &mut Cursor<'_>, ty: Type) -> Result<Element> {
    let Some(Kind::Word(_)) = cursor.peek().map(|token| &token.kind) else {
        return Ok(Element::Bits(match cursor.immediate()? {
            Immediate::Int(value) if ty == Type::F32 => u64::from((value as f32).to_bits()),
            Immediate::Int(value) if ty == Type::F64 => (value as f64).to_bits(),
            Immediate::Int(value) => value.cast_unsigned(),
            Immediate::F32(bits) => u64::from(bits),
            Immediate::F64(bits) if ty == Type::F32 => u64::from((f64::from_bits(bits) as f32).to_bits()),
            Immediate::F64(bits) => bits,
        }));
    };
    let word = cursor.word("a variable")?;
    let to = if word == "generic" {
        cursor.mark('(', "`(`")?;
        let to = cursor.word("a variable")?.to_owned();
        cursor.mark(')', "`)`")?;
        to
    } else {
        word.to_owned()
    };
    let offset = if cursor.accept('+') || cursor.is_mark('-') { cursor.integer()? } else { 0 };
    Ok(Element::Address { to, offset })
}
