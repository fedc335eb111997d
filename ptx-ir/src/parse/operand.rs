//! A cursor over the tokens of a body, and operands.

use std::collections::HashMap;

use super::error::{ParseError, Problem};
use super::token::{Kind, Token};
use crate::ir::{
    Address, Base, Condition, Immediate, Label, LocalIndex, Operand, ParamIndex, Reg, RegClass, Shared, Symbol,
    VideoPart,
};

/// What names mean inside one kernel.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) registers: HashMap<String, Reg>,
    /// Prefix, class and first number of each `%r<N>` declaration.
    pub(super) ranges: HashMap<String, (Reg, u32)>,
    /// The first number of each class that no declaration has taken.
    pub(super) free: HashMap<RegClass, u32>,
    pub(super) params: HashMap<String, u32>,
    pub(super) shared: HashMap<String, u32>,
    pub(super) results: HashMap<String, u32>,
    pub(super) locals: HashMap<String, u32>,
    pub(super) symbols: HashMap<String, u32>,
    /// The labels that each `.branchtargets` lists.
    pub(super) tables: HashMap<String, Vec<String>>,
    pub(super) labels: HashMap<String, Label>,
}

impl Names {
    /// The register called `name`.
    pub(super) fn register(&self, name: &str) -> Option<Reg> {
        if let Some(reg) = self.registers.get(name) {
            return Some(*reg);
        }
        let digits = name.len() - name.chars().rev().take_while(char::is_ascii_digit).count();
        let (prefix, number) = name.split_at_checked(digits)?;
        if number.len() > 1 && number.starts_with('0') {
            return None;
        }
        let (first, count) = self.ranges.get(prefix)?;
        let number: u32 = number.parse().ok()?;
        (number < *count).then(|| Reg { class: first.class, number: first.number + number })
    }

    /// What the `index`th `_` of an instruction writes: a register behind all that are declared, which nothing reads.
    fn sink(&self, class: RegClass, index: u32) -> Reg {
        let first = self.free.get(&class).copied().unwrap_or(0);
        Reg { class, number: first.saturating_add(index) }
    }
}

/// Reads tokens in order.
pub(super) struct Cursor<'a> {
    pub(super) tokens: &'a [Token],
    pub(super) position: usize,
    pub(super) names: &'a Names,
}

pub(super) type Result<T> = std::result::Result<T, ParseError>;

impl<'a> Cursor<'a> {
    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.position)
    }

    pub(super) fn line(&self) -> u32 {
        self.peek().or(self.tokens.last()).map_or(1, |token| token.line)
    }

    pub(super) fn error(&self, problem: Problem) -> ParseError {
        ParseError { line: self.line(), problem }
    }

    pub(super) fn expected<T>(&self, wanted: &'static str) -> Result<T> {
        let found = self.peek().map_or_else(|| "end of text".to_owned(), Token::text);
        Err(self.error(Problem::Expected { wanted, found }))
    }

    pub(super) fn is_mark(&self, mark: char) -> bool {
        self.peek().is_some_and(|token| token.kind == Kind::Mark(mark))
    }

    /// Takes `mark` if it is next.
    pub(super) fn accept(&mut self, mark: char) -> bool {
        let found = self.is_mark(mark);
        self.position += usize::from(found);
        found
    }

    pub(super) fn mark(&mut self, mark: char, wanted: &'static str) -> Result<()> {
        if self.accept(mark) { Ok(()) } else { self.expected(wanted) }
    }

    pub(super) fn word(&mut self, wanted: &'static str) -> Result<&'a str> {
        match self.peek().map(|token| &token.kind) {
            Some(Kind::Word(word)) => {
                self.position += 1;
                Ok(word)
            }
            _ => self.expected(wanted),
        }
    }

    /// A comma, then whatever `read` reads.
    pub(super) fn then<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.mark(',', "`,`")?;
        read(self)
    }

    /// If a comma follows, what `read` reads after it.
    pub(super) fn maybe<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        if self.accept(',') { read(self).map(Some) } else { Ok(None) }
    }

    pub(super) fn register(&mut self) -> Result<Reg> {
        let position = self.position;
        let name = self.word("a register")?;
        self.names.register(name).ok_or_else(|| {
            self.position = position;
            self.error(Problem::Undeclared { name: name.to_owned() })
        })
    }

    pub(super) fn accept_sink(&mut self) -> bool {
        let found = matches!(self.peek().map(|token| &token.kind), Some(Kind::Word(word)) if word == "_");
        self.position += usize::from(found);
        found
    }

    /// A register of `class` that is written, or `_`.
    pub(super) fn destination(&mut self, class: RegClass) -> Result<Reg> {
        if self.accept_sink() { Ok(self.names.sink(class, 0)) } else { self.register() }
    }

    /// `{a, _, b}` or `a`: registers that are written. One at least is none that throws its value away, and gives the others their class.
    pub(super) fn destinations(&mut self) -> Result<Vec<Reg>> {
        let written = self.list(|cursor| if cursor.accept_sink() { Ok(None) } else { cursor.register().map(Some) })?;
        let Some(class) = written.iter().flatten().map(|reg| reg.class).next() else {
            return self.expected("a register among those that are written");
        };
        Ok(written
            .into_iter()
            .zip(0..)
            .map(|(reg, index)| reg.unwrap_or_else(|| self.names.sink(class, index)))
            .collect())
    }

    /// A register, or one with a part of it behind a dot: `%r1.b0`.
    pub(super) fn register_or_part(&mut self) -> Result<(Reg, Option<VideoPart>)> {
        let whole = self.peek().and_then(|token| match &token.kind {
            Kind::Word(word) => split_part(word),
            _ => None,
        });
        let Some((name, part)) = whole else { return Ok((self.register()?, None)) };
        let Some(reg) = self.names.register(name) else {
            return Err(self.error(Problem::Undeclared { name: name.to_owned() }));
        };
        self.position += 1;
        Ok((reg, Some(part)))
    }

    /// A number, if one is next.
    pub(super) fn accept_number(&mut self) -> Result<Option<Immediate>> {
        let is_word = matches!(self.peek().map(|token| &token.kind), Some(Kind::Word(_)));
        if is_word { Ok(None) } else { self.immediate().map(Some) }
    }

    pub(super) fn operand(&mut self) -> Result<Operand> {
        match self.peek().map(|token| &token.kind) {
            Some(Kind::Word(_)) => self.register().map(Operand::Reg),
            _ => self.immediate().map(Operand::Imm),
        }
    }

    /// `p`, `!p`, or a number, which holds if it is not zero.
    pub(super) fn condition(&mut self) -> Result<Condition> {
        let negate = self.accept('!');
        if matches!(self.peek().map(|token| &token.kind), Some(Kind::Word(_))) {
            return Ok(Condition::Pred { pred: self.register()?, negate });
        }
        Ok(Condition::Constant((self.integer()? != 0) != negate))
    }

    pub(super) fn immediate(&mut self) -> Result<Immediate> {
        let negative = self.accept('-');
        let Some(Kind::Number(text)) = self.peek().map(|token| &token.kind) else {
            return self.expected("a register or a number");
        };
        let Some(immediate) = number(text, negative) else {
            return Err(self.error(Problem::Number { text: text.clone() }));
        };
        self.position += 1;
        Ok(immediate)
    }

    pub(super) fn integer(&mut self) -> Result<i64> {
        let position = self.position;
        match self.immediate()? {
            Immediate::Int(value) => Ok(value),
            _ => {
                self.position = position;
                self.expected("an integer")
            }
        }
    }

    pub(super) fn unsigned(&mut self) -> Result<u32> {
        let value = self.integer()?;
        u32::try_from(value).map_err(|_| self.error(Problem::Number { text: value.to_string() }))
    }

    /// `{a, b}`, or `a` alone.
    pub(super) fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        if !self.accept('{') {
            return Ok(vec![read(self)?]);
        }
        let mut items = vec![read(self)?];
        while self.accept(',') {
            items.push(read(self)?);
        }
        self.mark('}', "`}`")?;
        Ok(items)
    }

    /// `[base]`, `[base+8]`, `[base-8]`.
    pub(super) fn address(&mut self) -> Result<Address> {
        self.mark('[', "`[`")?;
        let position = self.position;
        let name = self.word("a register, parameter or array")?;
        let names = self.names;
        let base = names
            .register(name)
            .map(Base::Reg)
            .or_else(|| names.params.get(name).map(|index| Base::Param(ParamIndex(*index))))
            .or_else(|| names.results.get(name).map(|index| Base::Result(ParamIndex(*index))))
            .or_else(|| names.shared.get(name).map(|index| Base::Shared(Shared(*index))))
            .or_else(|| names.locals.get(name).map(|index| Base::Local(LocalIndex(*index))))
            .or_else(|| names.symbols.get(name).map(|index| Base::Symbol(Symbol(*index))));
        let Some(base) = base else {
            self.position = position;
            return Err(self.error(Problem::Undeclared { name: name.to_owned() }));
        };
        let offset = if self.accept('+') || self.is_mark('-') { self.integer()? } else { 0 };
        let offset = i32::try_from(offset).map_err(|_| self.error(Problem::Number { text: offset.to_string() }))?;
        self.mark(']', "`]`")?;
        Ok(Address { base, offset })
    }

    pub(super) fn label(&mut self) -> Result<Label> {
        let position = self.position;
        let name = self.word("a label")?;
        self.names.labels.get(name).copied().ok_or_else(|| {
            self.position = position;
            self.error(Problem::Undeclared { name: name.to_owned() })
        })
    }
}

/// The name of a register and the part of it that is meant.
pub(super) fn split_part(word: &str) -> Option<(&str, VideoPart)> {
    let (name, part) = word.rsplit_once('.')?;
    VideoPart::from_name(part).map(|part| (name, part))
}

/// The value of a literal: decimal, `0x`, `0b`, octal, `0f` and `0d` bits, or a decimal fraction (an f64). A trailing `U` is allowed.
fn number(text: &str, negative: bool) -> Option<Immediate> {
    if let Some(bits) = text.strip_prefix("0f").or_else(|| text.strip_prefix("0F")) {
        let bits = u32::from_str_radix(bits, 16).ok().filter(|_| bits.len() == 8)?;
        return Some(Immediate::F32(if negative { bits ^ 1 << 31 } else { bits }));
    }
    if let Some(bits) = text.strip_prefix("0d").or_else(|| text.strip_prefix("0D")) {
        let bits = u64::from_str_radix(bits, 16).ok().filter(|_| bits.len() == 16)?;
        return Some(Immediate::F64(if negative { bits ^ 1 << 63 } else { bits }));
    }
    if text.contains('.') {
        let value: f64 = text.parse().ok()?;
        return Some(Immediate::F64((if negative { -value } else { value }).to_bits()));
    }
    let text = text.strip_suffix(['U', 'u']).unwrap_or(text);
    let magnitude = if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        u64::from_str_radix(hex, 16).ok()?
    } else if let Some(binary) = text.strip_prefix("0b").or_else(|| text.strip_prefix("0B")) {
        u64::from_str_radix(binary, 2).ok()?
    } else if text.len() > 1 && text.starts_with('0') {
        u64::from_str_radix(text, 8).ok()?
    } else {
        text.parse().ok()?
    };
    let value = magnitude.cast_signed();
    Some(Immediate::Int(if negative { value.wrapping_neg() } else { value }))
}
