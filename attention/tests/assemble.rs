//! Every plan's module verifies, prints and is read back.

use tilewright_attention::{BUDGETS, Plan, module, rope};
use tilewright_ptx_ir::{Target, parse};
use tilewright_tile::Budget;

#[test]
fn every_plan_prints_and_parses_back() {
    let attention = Plan::all().into_iter().map(|plan| module(&plan, Target::Sm80).unwrap());
    let rope = rope::RopePlan::all().into_iter().map(|plan| rope::module(&plan, Target::Sm80).unwrap());
    for module in attention.chain(rope) {
        let source = parse(&module.to_string()).unwrap_or_else(|errors| panic!("{}: {errors}", module.kernels[0].name));
        assert_eq!(source.module, module);
        let name = &module.kernels[0].name;
        assert!(Budget::of(BUDGETS, name).is_some(), "{name} has no budget");
    }
}

#[test]
fn every_plan_fits_the_smallest_shared_memory() {
    for plan in Plan::all() {
        // sm_86 and sm_89: 99 KiB a block.
        assert!(plan.shared_bytes() <= 99 * 1024, "{plan:?}: {}", plan.shared_bytes());
    }
}
