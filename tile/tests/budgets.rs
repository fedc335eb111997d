//! Budgets are found by name.

use tilewright_ptx_ir::Target;
use tilewright_tile::Budget;

#[test]
fn a_star_stands_for_anything() {
    let budgets = [
        Budget { kernel: "product_16x64", registers: [1, 2, 3, 4] },
        Budget { kernel: "norm_*_32x1*", registers: [5; 4] },
        Budget { kernel: "norm_*", registers: [6; 4] },
    ];
    let registers = |name| Budget::of(&budgets, name).map(|budget| budget.registers(Target::Sm86));
    assert_eq!(registers("product_16x64"), Some(2));
    assert_eq!(registers("product_16x640"), None);
    assert_eq!(registers("norm_f16_32x1"), Some(5));
    assert_eq!(registers("norm_f16_bias_32x1_vector"), Some(5));
    assert_eq!(registers("norm_f16_32x4"), Some(6));
    assert_eq!(registers("norm"), None);
    assert_eq!(Budget::of(&budgets, "product_16x64").unwrap().registers(Target::Sm90), 4);
}
