//! The variables of a module: where they lie and what they hold at first.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tilewright_ptx_ir::ir::{Module, Space};

use crate::error::LoadError;
use crate::memory::{Allocation, FIRST_VARIABLE, OFFSET_BITS, Variables};

/// The number of the next variable of any module.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Gives every variable memory of its own, and their addresses by name.
pub(crate) fn place(module: &Module) -> Result<(Variables, HashMap<String, u64>), LoadError> {
    let count = module.variables.len() as u64;
    // Below the windows of generic addresses; numbers come around after two million variables.
    let first =
        FIRST_VARIABLE + NEXT.fetch_add(count, Ordering::Relaxed) % (FIRST_VARIABLE - count.min(FIRST_VARIABLE - 1));
    let addresses: HashMap<String, u64> = module
        .variables
        .iter()
        .zip(first..)
        .map(|(variable, number)| (variable.name.clone(), number << OFFSET_BITS))
        .collect();
    let mut variables = Variables { first, ..Variables::default() };
    for variable in &module.variables {
        let missing = || LoadError::Variable { name: variable.name.clone(), bytes: variable.bytes };
        let allocation = Allocation::new(u64::from(variable.bytes)).ok_or_else(missing)?;
        allocation.fill(0, 0, u64::from(variable.bytes));
        allocation.copy_in(0, &variable.data);
        for pointer in &variable.pointers {
            let address = addresses.get(&pointer.to).copied().unwrap_or(0).wrapping_add_signed(pointer.offset);
            allocation.copy_in(u64::from(pointer.at), &address.to_le_bytes());
        }
        variables.allocations.push(Arc::new(allocation));
        variables.names.push(variable.name.clone());
        variables.constants.push(variable.space == Space::Const);
    }
    Ok((variables, addresses))
}
