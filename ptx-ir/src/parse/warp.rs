//! What lanes and threads do together, and control.

use super::error::Problem;
use super::inst::Modifiers;
use super::operand::{Cursor, Result};
use crate::ir::{AtomicOp, BarrierOp, LocalIndex, Op, RegClass, ShuffleMode, Symbol, VoteMode};

/// Reads the instruction called `name`; `None` if the form is not known.
pub(super) fn read(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    match name {
        "shfl" | "vote" | "match" | "redux" => exchange(cursor, name, modifiers),
        "activemask" => Ok(if modifiers.flag("b32") { Some(Op::ActiveMask { dst: cursor.register()? }) } else { None }),
        "bar" if modifiers.flag("warp") => {
            Ok(if modifiers.flag("sync") { Some(Op::WarpSync { mask: cursor.operand()? }) } else { None })
        }
        "bar" | "barrier" => barrier(cursor, name, modifiers),
        "bra" => Ok(Some(Op::Branch { uniform: modifiers.flag("uni"), label: cursor.label()? })),
        "brx" if modifiers.flag("idx") => {
            let (uniform, index) = (modifiers.flag("uni"), cursor.register()?);
            let name = cursor.then(|cursor| cursor.word("a list of labels"))?;
            let Some(words) = cursor.names.tables.get(name) else {
                return Err(cursor.error(Problem::Undeclared { name: name.to_owned() }));
            };
            let found = words.iter().map(|word| {
                let missing = || cursor.error(Problem::Undeclared { name: word.clone() });
                cursor.names.labels.get(word).copied().ok_or_else(missing)
            });
            let labels = found.collect::<Result<_>>()?;
            Ok(Some(Op::BranchIndexed { uniform, index, labels }))
        }
        "call" => call(cursor, modifiers),
        "ret" => {
            modifiers.flag("uni");
            Ok(Some(Op::Return))
        }
        "exit" => Ok(Some(Op::Exit)),
        "trap" => Ok(Some(Op::Trap)),
        "nanosleep" => {
            Ok(if modifiers.flag("u32") { Some(Op::Nanosleep { duration: cursor.operand()? }) } else { None })
        }
        _ => Ok(None),
    }
}

fn exchange(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    if !modifiers.flag("sync") {
        return Ok(None);
    }
    match name {
        "shfl" => {
            let (Some(mode), true) = (modifiers.take(ShuffleMode::from_name), modifiers.flag("b32")) else {
                return Ok(None);
            };
            let dst = cursor.register()?;
            let pred = if cursor.accept('|') { Some(cursor.destination(RegClass::Pred)?) } else { None };
            let (src, lane) = (cursor.then(Cursor::operand)?, cursor.then(Cursor::operand)?);
            Ok(Some(Op::Shuffle {
                mode,
                dst,
                pred,
                src,
                lane,
                clamp: cursor.then(Cursor::operand)?,
                mask: cursor.then(Cursor::operand)?,
            }))
        }
        "vote" => {
            let Some(mode) = modifiers.take(VoteMode::from_name) else { return Ok(None) };
            let expected = if mode == VoteMode::Ballot { "b32" } else { "pred" };
            if !modifiers.flag(expected) {
                return Ok(None);
            }
            let dst = cursor.register()?;
            cursor.mark(',', "`,`")?;
            let src = cursor.condition()?;
            Ok(Some(Op::Vote { mode, dst, src, mask: cursor.then(Cursor::operand)? }))
        }
        "match" if modifiers.flag("all") => {
            let Some(ty) = modifiers.last_type() else { return Ok(None) };
            let dst = cursor.register()?;
            let pred = if cursor.accept('|') { Some(cursor.destination(RegClass::Pred)?) } else { None };
            let src = cursor.then(Cursor::operand)?;
            Ok(Some(Op::MatchAll { ty, dst, pred, src, mask: cursor.then(Cursor::operand)? }))
        }
        "match" => {
            let (true, Some(ty)) = (modifiers.flag("any"), modifiers.last_type()) else { return Ok(None) };
            let (dst, src) = (cursor.register()?, cursor.then(Cursor::operand)?);
            Ok(Some(Op::MatchAny { ty, dst, src, mask: cursor.then(Cursor::operand)? }))
        }
        _ => {
            let (Some(ty), Some(op)) = (modifiers.last_type(), modifiers.take(AtomicOp::from_name)) else {
                return Ok(None);
            };
            let (dst, src) = (cursor.register()?, cursor.then(Cursor::operand)?);
            Ok(Some(Op::Redux { op, ty, dst, src, mask: cursor.then(Cursor::operand)? }))
        }
    }
}

fn barrier(cursor: &mut Cursor<'_>, name: &str, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    modifiers.flag("cta");
    let (sync, arrive) = (modifiers.flag("sync"), modifiers.flag("arrive"));
    let aligned = modifiers.flag("aligned") || name == "bar";
    if modifiers.flag("red") {
        let Some(op) = modifiers.take(BarrierOp::from_name) else { return Ok(None) };
        let ty = if op == BarrierOp::PopulationCount { "u32" } else { "pred" };
        if !modifiers.flag(ty) {
            return Ok(None);
        }
        let (dst, id) = (cursor.register()?, cursor.then(Cursor::operand)?);
        cursor.mark(',', "`,`")?;
        // A number of threads may stand before the predicate.
        let position = cursor.position;
        let counted = !cursor.accept('!') && cursor.operand().is_ok() && cursor.is_mark(',');
        cursor.position = position;
        let threads = if counted {
            let threads = cursor.operand()?;
            cursor.mark(',', "`,`")?;
            Some(threads)
        } else {
            None
        };
        let negate = cursor.accept('!');
        return Ok(Some(Op::BarrierReduce { aligned, op, dst, id, threads, src: cursor.register()?, negate }));
    }
    let id = cursor.operand()?;
    match (sync, arrive) {
        (true, false) => Ok(Some(Op::BarrierSync { aligned, id, threads: cursor.maybe(Cursor::operand)? })),
        (false, true) => Ok(Some(Op::BarrierArrive { aligned, id, threads: cursor.then(Cursor::operand)? })),
        _ => Ok(None),
    }
}

/// `call (results), function, (arguments)`: each a name declared by `.param`.
fn call(cursor: &mut Cursor<'_>, modifiers: &mut Modifiers<'_>) -> Result<Option<Op>> {
    let uniform = modifiers.flag("uni");
    let results = if cursor.is_mark('(') {
        let results = locals(cursor)?;
        cursor.mark(',', "`,`")?;
        results
    } else {
        Vec::new()
    };
    let name = cursor.word("a function")?;
    let Some(function) = cursor.names.symbols.get(name).map(|index| Symbol(*index)) else {
        // A call through a register, or of something that was not declared.
        return Err(cursor.error(Problem::Unsupported { what: "call of", text: name.to_owned() }));
    };
    let arguments = cursor.maybe(locals)?.unwrap_or_default();
    Ok(Some(Op::Call { uniform, function, results, arguments }))
}

/// `(a, b)`
fn locals(cursor: &mut Cursor<'_>) -> Result<Vec<LocalIndex>> {
    cursor.mark('(', "`(`")?;
    let mut found = Vec::new();
    while !cursor.accept(')') {
        let name = cursor.word("a parameter of the call")?;
        let Some(index) = cursor.names.locals.get(name) else {
            return Err(cursor.error(Problem::Unsupported { what: "argument", text: name.to_owned() }));
        };
        found.push(LocalIndex(*index));
        cursor.accept(',');
    }
    Ok(found)
}
