//! Mnemonics: the modifiers of an instruction are taken off one by one; what is left over is unsupported.

use super::error::Problem;
use super::operand::{Cursor, Result};
use crate::ir::{
    BinaryOp, FloatTest, Fp8Pair, Immediate, LocalIndex, MulPart, Op, Operand, RegClass, Rounding, Shared, Space,
    Special, Symbol, TernaryOp, Type, UnaryOp,
};

/// The dotted parts of a mnemonic after the first, in order, each taken at most once.
pub(super) struct Modifiers<'a> {
    parts: Vec<&'a str>,
}

impl<'a> Modifiers<'a> {
    /// Takes `word` if it is among the parts that are left.
    pub(super) fn flag(&mut self, word: &str) -> bool {
        let found = self.parts.iter().position(|part| *part == word);
        found.map(|index| self.parts.remove(index)).is_some()
    }

    /// Takes the first part for which `read` has a value.
    pub(super) fn take<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let (index, value) =
            self.parts.iter().enumerate().find_map(|(index, part)| read(part).map(|value| (index, value)))?;
        self.parts.remove(index);
        Some(value)
    }

    /// Takes the last part, if it is a type.
    pub(super) fn last_type(&mut self) -> Option<Type> {
        let ty = Type::from_name(self.parts.last()?)?;
        self.parts.pop();
        Some(ty)
    }

    pub(super) fn space(&mut self) -> Option<Space> {
        self.take(|part| match part {
            "param" => Some(Space::Param),
            "global" => Some(Space::Global),
            "shared" | "shared::cta" => Some(Space::Shared),
            "local" => Some(Space::Local),
            "const" => Some(Space::Const),
            _ => None,
        })
    }

    pub(super) fn rest(&self) -> &[&'a str] {
        &self.parts
    }
}

/// Reads the operands of `mnemonic` up to the semicolon, which is left.
pub(super) fn read(cursor: &mut Cursor<'_>, mnemonic: &str) -> Result<Op> {
    let unsupported = cursor.error(Problem::Unsupported { what: "instruction", text: mnemonic.to_owned() });
    let mut parts = mnemonic.split('.');
    let name = parts.next().unwrap_or("");
    let mut modifiers = Modifiers { parts: parts.collect() };
    let op = match name {
        "mov" | "cvt" | "cvta" | "selp" => movement(cursor, name, &mut modifiers)?,
        "addc" | "subc" | "madc" => super::integer::carry(cursor, name, &mut modifiers)?,
        "add" | "sub" | "mad" if modifiers.rest().contains(&"cc") => {
            super::integer::carry(cursor, name, &mut modifiers)?
        }
        "add" | "min" | "max" if super::packed::is_pair(&modifiers) => {
            super::packed::pair(cursor, name, &mut modifiers)?
        }
        "mul24" | "mad24" | "dp2a" | "slct" => super::integer::read(cursor, name, &mut modifiers)?,
        "prmt" if modifiers.rest().len() > 1 => super::integer::read(cursor, name, &mut modifiers)?,
        "bmsk" | "szext" => match modifiers.take(|mode| BinaryOp::from_name(&format!("{name}.{mode}"))) {
            Some(op) => binary(cursor, op, &mut modifiers)?,
            None => None,
        },
        "set" | "setp" => super::compare::read(cursor, name, &mut modifiers)?,
        "mul" | "mad" | "lop3" | "bfi" | "testp" | "isspacep" => special_forms(cursor, name, &mut modifiers)?,
        "shf" | "dp4a" | "fma" | "bfe" | "prmt" | "sad" | "fns" => ternary(cursor, name, &mut modifiers)?,
        "ld" | "ldu" | "st" | "atom" | "red" | "fence" | "membar" | "cp" | "ldmatrix" => {
            super::memory::read(cursor, name, &mut modifiers)?
        }
        "mma" | "movmatrix" | "stmatrix" | "elect" | "griddepcontrol" => {
            super::matrix::read(cursor, name, &mut modifiers)?
        }
        "mbarrier" => super::mbarrier::read(cursor, &mut modifiers)?,
        "createpolicy" | "prefetch" | "prefetchu" | "applypriority" | "discard" | "pmevent" => {
            super::cache::read(cursor, name, &mut modifiers)?
        }
        "bfind" if modifiers.flag("shiftamt") => unary(cursor, UnaryOp::FindLeadingShift, &mut modifiers)?,
        _ => match (UnaryOp::from_name(name), BinaryOp::from_name(name)) {
            (Some(op), _) => unary(cursor, op, &mut modifiers)?,
            (None, Some(op)) => binary(cursor, op, &mut modifiers)?,
            (None, None) if name.starts_with('v') && name.ends_with(['2', '4']) => {
                super::packed::video(cursor, name, &mut modifiers)?
            }
            (None, None) if matches!(name, "vadd" | "vsub" | "vabsdiff" | "vmin" | "vmax" | "vset") => {
                super::packed::video_of_part(cursor, name, &mut modifiers)?
            }
            (None, None) => super::warp::read(cursor, name, &mut modifiers)?,
        },
    };
    match op {
        Some(op) if modifiers.rest().is_empty() => Ok(op),
        _ => Err(unsupported),
    }
}

fn movement(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    match name {
        "mov" => mov(cursor, modifiers),
        "selp" => {
            let Some(ty) = modifiers.last_type() else { return Ok(None) };
            let (dst, a, b) = (cursor.register()?, cursor.then(Cursor::operand)?, cursor.then(Cursor::operand)?);
            Ok(Some(Op::Select { ty, dst, a, b, pred: cursor.then(Cursor::register)? }))
        }
        "cvta" => {
            let (to_generic, space) = (!modifiers.flag("to"), modifiers.space());
            let (Some(Type::U64), Some(space)) = (modifiers.last_type(), space) else { return Ok(None) };
            Ok(Some(Op::Cvta { space, to_generic, dst: cursor.register()?, src: cursor.then(Cursor::register)? }))
        }
        _ => convert(cursor, modifiers),
    }
}

fn mov(cursor: &mut Cursor<'_>, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    let Some(ty) = modifiers.last_type() else { return Ok(None) };
    if cursor.is_mark('{') {
        let dsts = cursor.destinations()?;
        return Ok(Some(Op::Unpack { ty, dsts, src: cursor.then(Cursor::register)? }));
    }
    let dst = cursor.register()?;
    cursor.mark(',', "`,`")?;
    if cursor.is_mark('{') {
        return Ok(Some(Op::Pack { ty, dst, srcs: cursor.list(Cursor::operand)? }));
    }
    let position = cursor.position;
    if let Ok(name) = cursor.word("") {
        if let Some(src) = Special::from_name(name) {
            let width = if src.is_wide() { 8 } else { 4 };
            return Ok((ty.bytes() == width).then_some(Op::ReadSpecial { dst, src }));
        }
        if name.starts_with("%envreg") || name.starts_with("%reserved_smem_offset") {
            let text = name.to_owned();
            return Err(cursor.error(Problem::Unsupported { what: "special register", text }));
        }
        let (shared, local) = (cursor.names.shared.get(name), cursor.names.locals.get(name));
        let symbol = cursor.names.symbols.get(name);
        if shared.is_some() || local.is_some() || symbol.is_some() {
            let offset = if cursor.accept('+') || cursor.is_mark('-') { cursor.integer()? } else { 0 };
            let narrow = dst.class == RegClass::B32 && symbol.is_none();
            let fits = (narrow || dst.class == RegClass::B64) && ty.class() == dst.class;
            let Some(offset) = i32::try_from(offset).ok().filter(|_| fits) else { return Ok(None) };
            return Ok(match (shared, local, symbol) {
                (Some(index), ..) => Some(Op::SharedAddress { dst, array: Shared(*index), offset }),
                (_, Some(index), _) => Some(Op::LocalAddress { dst, local: LocalIndex(*index), offset }),
                (.., index) => index.map(|index| Op::SymbolAddress { dst, symbol: Symbol(*index), offset }),
            });
        }
        if name == "WARP_SZ" {
            return Ok(Some(Op::Mov { ty, dst, src: Operand::Imm(Immediate::Int(32)) }));
        }
    }
    cursor.position = position;
    Ok(Some(Op::Mov { ty, dst, src: literal(cursor.operand()?, ty) }))
}

fn convert(cursor: &mut Cursor<'_>, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    if modifiers.flag("pack") {
        if modifiers.rest() != ["sat", "s8", "s32", "b32"] {
            return super::packed::convert(cursor, modifiers);
        }
        while modifiers.take(|_| Some(())).is_some() {}
        let (dst, a) = (cursor.register()?, cursor.then(Cursor::operand)?);
        return Ok(Some(Op::CvtPackS8 { dst, a, b: cursor.then(Cursor::operand)?, c: cursor.then(Cursor::operand)? }));
    }
    if modifiers.rest() == ["rna", "tf32", "f32"] {
        while modifiers.take(|_| Some(())).is_some() {}
        let dst = cursor.register()?;
        return Ok(Some(Op::CvtTf32 { dst, src: literal(cursor.then(Cursor::operand)?, Type::F32) }));
    }
    if let Some(format) = modifiers.take(Fp8Pair::from_name) {
        return fp8(cursor, format, modifiers);
    }
    let (Some(from), Some(to)) = (modifiers.last_type(), modifiers.last_type()) else { return Ok(None) };
    let rounding = modifiers.take(Rounding::from_name);
    if matches!(to, Type::F16x2 | Type::Bf16x2) {
        let (Some(rounding), Type::F32) = (rounding, from) else { return Ok(None) };
        let relu = modifiers.flag("relu");
        let (dst, high) = (cursor.register()?, cursor.then(Cursor::operand)?);
        return Ok(Some(Op::CvtPair { to, rounding, relu, dst, high, low: cursor.then(Cursor::operand)? }));
    }
    let (ftz, sat) = (modifiers.flag("ftz"), modifiers.flag("sat"));
    let (dst, src) = (cursor.register()?, cursor.then(Cursor::operand)?);
    Ok(Some(Op::Cvt { to, from, rounding, ftz, sat, dst, src: literal(src, from) }))
}

/// To 8-bit floats from what is named still, or from them to it.
fn fp8(cursor: &mut Cursor<'_>, format: Fp8Pair, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    let (relu, saturates) = (modifiers.flag("relu"), modifiers.flag("satfinite"));
    let (Some(other), true) = (modifiers.last_type(), modifiers.flag("rn")) else { return Ok(None) };
    let dst = cursor.register()?;
    cursor.mark(',', "`,`")?;
    if other == Type::F32 && saturates {
        let (high, low) = (literal(cursor.operand()?, other), literal(cursor.then(Cursor::operand)?, other));
        return Ok(Some(Op::CvtFp8Pair { format, relu, dst, high, low }));
    }
    let src = cursor.register()?;
    // What is wider takes a register of 32 bits: that says which way it goes.
    let widens = dst.class.declared().bytes() == 4;
    Ok((other == Type::F16x2 && saturates != widens).then_some(Op::CvtFp8 { format, widens, relu, dst, src }))
}

fn unary(cursor: &mut Cursor<'_>, op: UnaryOp, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    let Some(ty) = modifiers.last_type() else { return Ok(None) };
    let (approx, ftz, rounding) =
        (modifiers.flag("approx"), modifiers.flag("ftz"), modifiers.take(Rounding::from_name));
    let (dst, a) = (cursor.register()?, cursor.then(Cursor::operand)?);
    Ok(Some(Op::Unary { op, ty, rounding, approx, ftz, dst, a: literal(a, ty) }))
}

fn binary(cursor: &mut Cursor<'_>, op: BinaryOp, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    let Some(ty) = modifiers.last_type() else { return Ok(None) };
    let (approx, full, nan) = (modifiers.flag("approx"), modifiers.flag("full"), modifiers.flag("NaN"));
    let (ftz, sat, rounding) = (modifiers.flag("ftz"), modifiers.flag("sat"), modifiers.take(Rounding::from_name));
    let (dst, a, b) = (cursor.register()?, cursor.then(Cursor::operand)?, cursor.then(Cursor::operand)?);
    let (a, b) = (literal(a, ty), literal(b, ty));
    Ok(Some(Op::Binary { op, ty, rounding, ftz, sat, approx, full, nan, dst, a, b }))
}

fn ternary(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    let op = match (name, modifiers.rest()) {
        ("dp4a", ["s32", "s32"]) => Some((TernaryOp::Dp4aSigned, Type::S32)),
        ("dp4a", ["u32", "u32"]) => Some((TernaryOp::Dp4aUnsigned, Type::U32)),
        ("dp4a", ["s32", "u32"]) => Some((TernaryOp::Dp4aSignedUnsigned, Type::S32)),
        ("dp4a", ["u32", "s32"]) => Some((TernaryOp::Dp4aUnsignedSigned, Type::S32)),
        ("shf", ["l", "clamp", "b32"]) => Some((TernaryOp::FunnelLeftClamp, Type::B32)),
        ("shf", ["r", "clamp", "b32"]) => Some((TernaryOp::FunnelRightClamp, Type::B32)),
        ("shf", ["l", "wrap", "b32"]) => Some((TernaryOp::FunnelLeft, Type::B32)),
        ("shf", ["r", "wrap", "b32"]) => Some((TernaryOp::FunnelRight, Type::B32)),
        _ => TernaryOp::from_name(name).zip(modifiers.last_type()),
    };
    let Some((op, ty)) = op else { return Ok(None) };
    if matches!(name, "dp4a" | "shf") {
        while modifiers.take(|_| Some(())).is_some() {}
    }
    let (ftz, sat, relu, rounding) =
        (modifiers.flag("ftz"), modifiers.flag("sat"), modifiers.flag("relu"), modifiers.take(Rounding::from_name));
    let (dst, [a, b, c]) = (cursor.register()?, three(cursor)?);
    let [a, b, c] = [a, b, c].map(|operand| literal(operand, ty));
    Ok(Some(Op::Ternary { op, ty, rounding, ftz, sat, relu, dst, a, b, c }))
}

fn special_forms(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    if name == "isspacep" {
        let Some(space) = modifiers.space() else { return Ok(None) };
        return Ok(Some(Op::IsSpace { space, dst: cursor.register()?, src: cursor.then(Cursor::register)? }));
    }
    let Some(ty) = modifiers.last_type() else { return Ok(None) };
    match name {
        "mul" if ty.is_float() => {
            let (ftz, sat, rounding) =
                (modifiers.flag("ftz"), modifiers.flag("sat"), modifiers.take(Rounding::from_name));
            let (dst, a, b) = (cursor.register()?, cursor.then(Cursor::operand)?, cursor.then(Cursor::operand)?);
            let (a, b, approx, full, nan) = (literal(a, ty), literal(b, ty), false, false, false);
            Ok(Some(Op::Binary { op: BinaryOp::Mul, ty, rounding, ftz, sat, approx, full, nan, dst, a, b }))
        }
        "mul" | "mad" => {
            let Some(part) = modifiers.take(MulPart::from_name) else { return Ok(None) };
            let (dst, a, b) = (cursor.register()?, cursor.then(Cursor::operand)?, cursor.then(Cursor::operand)?);
            if name == "mul" {
                return Ok(Some(Op::Mul { part, ty, dst, a, b }));
            }
            Ok(Some(Op::Mad { part, ty, dst, a, b, c: cursor.then(Cursor::operand)? }))
        }
        "lop3" if ty == Type::B32 => {
            let (dst, [a, b, c]) = (cursor.register()?, three(cursor)?);
            let table = cursor.then(Cursor::unsigned)?;
            let table = u8::try_from(table).map_err(|_| cursor.error(Problem::Number { text: table.to_string() }))?;
            Ok(Some(Op::Lop3 { table, dst, a, b, c }))
        }
        "testp" => {
            let Some(test) = modifiers.take(FloatTest::from_name) else { return Ok(None) };
            let dst = cursor.register()?;
            Ok(Some(Op::TestProperty { test, ty, dst, a: literal(cursor.then(Cursor::operand)?, ty) }))
        }
        "bfi" => {
            let (dst, [a, b, start]) = (cursor.register()?, three(cursor)?);
            Ok(Some(Op::BitFieldInsert { ty, dst, a, b, start, length: cursor.then(Cursor::operand)? }))
        }
        _ => Ok(None),
    }
}

/// Three operands, each after a comma.
pub(super) fn three(cursor: &mut Cursor<'_>) -> Result<[Operand; 3]> {
    Ok([cursor.then(Cursor::operand)?, cursor.then(Cursor::operand)?, cursor.then(Cursor::operand)?])
}

/// A literal in the form that `ty` keeps: decimal fractions in f32 instructions become f32, integers in float instructions floats.
#[expect(clippy::cast_possible_truncation, reason = "rounding a decimal literal to f32 is what PTX does with it")]
pub(super) fn literal(operand: Operand, ty: Type) -> Operand {
    match (operand, ty) {
        (Operand::Imm(Immediate::F64(bits)), Type::F32) => {
            Operand::Imm(Immediate::F32((f64::from_bits(bits) as f32).to_bits()))
        }
        (Operand::Imm(Immediate::F32(bits)), Type::F64) => {
            Operand::Imm(Immediate::F64(f64::from(f32::from_bits(bits)).to_bits()))
        }
        _ => operand,
    }
}
