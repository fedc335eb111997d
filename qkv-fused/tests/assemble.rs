//! Every plan's module verifies, prints and is read back.

use tilewright_ptx_ir::{Target, parse};
use tilewright_qkv_fused::{Plan, module};

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
