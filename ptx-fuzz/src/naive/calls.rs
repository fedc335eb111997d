//! Calls: a function is executed by a lane of its own, to its end.

use tilewright_ptx_ir::ir::{Kernel, LocalIndex, Symbol};

use super::lane::Lane;
use super::memory::{parts_of, size, start};
use super::{Block, NaiveError, Outcome, Stop};

impl Block<'_> {
    pub(super) fn call(
        &mut self,
        function: Symbol,
        results: &[LocalIndex],
        arguments: &[LocalIndex],
        lane: &mut Lane,
    ) -> Outcome<()> {
        let name = self.kernel.symbols.get(function.0 as usize);
        let found = self.module.functions.iter().find(|function| Some(&function.code.name) == name);
        let function = found.ok_or(NaiveError::Endless)?;
        let code: &Kernel = &function.code;
        let mut callee = Lane::new(code, lane.thread);
        callee.executed = lane.executed;
        callee.results = vec![0; size(parts_of(&function.results))];
        callee.passed = vec![0; size(parts_of(&code.params))];
        for ((local, param), index) in arguments.iter().zip(&code.params).zip(0..) {
            let (from, to) = (self.local(local.0) as usize, start(parts_of(&code.params), index) as usize);
            copy(&lane.local, from, &mut callee.passed, to, param.bytes)?;
        }
        let shared = std::mem::take(&mut self.shared);
        let mut inside = Block {
            kernel: code,
            results: &function.results,
            output: &mut *self.output,
            executions: &mut [],
            shared,
            ..*self
        };
        let stop = inside.run_lane(&mut callee);
        self.shared = inside.shared;
        if stop? != Stop::Ended {
            return Err(NaiveError::Endless);
        }
        lane.executed = callee.executed;
        for ((local, result), index) in results.iter().zip(&function.results).zip(0..) {
            let (from, to) = (start(parts_of(&function.results), index) as usize, self.local(local.0) as usize);
            copy(&callee.results, from, &mut lane.local, to, result.bytes)?;
        }
        Ok(())
    }
}

fn copy(source: &[u8], from: usize, target: &mut [u8], to: usize, bytes: u32) -> Outcome<()> {
    let bytes = bytes as usize;
    let (source, target) = (source.get(from..from + bytes), target.get_mut(to..to + bytes));
    let (Some(source), Some(target)) = (source, target) else { return Err(NaiveError::Endless) };
    target.copy_from_slice(source);
    Ok(())
}
