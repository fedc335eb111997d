//! Every plan's module verifies, prints and is read back.

use tilewright_ptx_ir::{Target, parse};
use tilewright_qkv_fused::{BUDGETS, Plan, module};
use tilewright_tile::Budget;

#[test]
fn every_plan_prints_and_parses_back() {
    for (index, plan) in Plan::all().into_iter().enumerate() {
        let module = module(&plan, Target::Sm80).unwrap();
        let text = module.to_string();
        if let Ok(folder) = std::env::var("PTX_OUT") {
            std::fs::write(format!("{folder}/{}_{}.ptx", plan.name(), index), &text).unwrap();
        }
        let source = parse(&text).unwrap_or_else(|errors| panic!("{plan:?}: {errors}"));
        assert_eq!(source.module, module);
    }
}

#[test]
fn every_plan_has_a_budget() {
    for plan in Plan::all() {
        let name = plan.name();
        assert!(Budget::of(BUDGETS, &name).is_some(), "{name} has no budget");
    }
}
