//! A batch of random kernels, and what a failure is told as.

use std::path::Path;

use tilewright_ptx_fuzz::{Case, Failure, assemble, check, shrink};
use tilewright_ptx_ir::ir::{Inst, Op, Space, Statement, Type};
use tilewright_ptx_ir::parse;

fn instruction(statement: &Statement) -> Option<&Op> {
    if let Statement::Inst(Inst { op, .. }) = statement { Some(op) } else { None }
}

#[test]
fn the_simulator_and_the_naive_evaluator_agree() {
    for seed in 0..1000 {
        if let Err(failure) = check(&Case::new(seed)) {
            let smallest = shrink(&Case::new(seed), |case| check(case).is_err());
            panic!("seed {seed}: {failure}\n\n{}", smallest.module);
        }
    }
}

/// Without what writes a register, it is read before it is written.
#[test]
fn the_verifier_is_asked() {
    let mut case = Case::new(0);
    let body = &mut case.module.kernels[0].body;
    let register = body.iter().find_map(|statement| match instruction(statement) {
        Some(Op::Load { ty: Type::F64, dsts, .. }) => dsts.first().copied(),
        _ => None,
    });
    body.retain(|statement| {
        let mut writes = false;
        if let Some(op) = instruction(statement) {
            op.for_each_write(|written| writes |= Some(written) == register);
        }
        !writes
    });
    assert!(matches!(check(&case), Err(Failure::Verify(_))));
}

/// Threads that exchange elements of shared memory without barriers race: that is a finding, whatever they end with.
#[test]
fn a_race_is_a_finding() {
    let racing = (0..100).filter_map(|seed| {
        let mut case = Case::new(seed);
        let body = &mut case.module.kernels[0].body;
        let exchanges = |statement: &Statement| {
            matches!(instruction(statement), Some(Op::Load { space: Space::Shared, .. } | Op::Atomic { .. }))
        };
        let any = body.iter().any(exchanges);
        body.retain(|statement| !matches!(instruction(statement), Some(Op::BarrierSync { .. })));
        any.then_some(case)
    });
    let (mut cases, mut found) = (0, 0);
    for case in racing {
        cases += 1;
        found += usize::from(matches!(check(&case), Err(Failure::Finding { .. })));
    }
    // A thread may exchange with itself, and an exchange lie where no thread comes.
    assert!(cases > 30 && 4 * found > 3 * cases, "{found} of {cases}");
}

/// A kernel that fails for one instruction shrinks to it and what prepares it.
#[test]
fn a_kernel_shrinks_to_what_fails() {
    let fails = |case: &Case| {
        case.module.kernels[0].body.iter().any(|statement| matches!(instruction(statement), Some(Op::Lop3 { .. })))
    };
    let case = (0..100).map(Case::new).find(fails).unwrap();
    let smallest = shrink(&case, fails);
    let bare = shrink(&case, |_| true).module.kernels[0].body.len();
    assert!(fails(&smallest) && smallest.module.kernels[0].body.len() == bare + 1, "{}", smallest.module);
    assert!(bare + 10 < case.module.kernels[0].body.len());
}

/// An assembler that refuses everything refuses the first kernel.
#[cfg(unix)]
#[test]
fn what_an_assembler_refuses_is_told() {
    let cases: Vec<Case> = (0..3).map(Case::new).collect();
    let refused = |assembler: &str| assemble(Path::new(assembler), &cases);
    assert!(refused("/bin/true").unwrap().is_none());
    assert_eq!(refused("/bin/false").unwrap().unwrap().seed, 0);
    assert!(refused("/no/such/assembler").is_err());
}

/// Kernels that an H100 once told apart from the simulator: their text stays, whatever becomes of their seeds.
#[test]
fn kernels_that_once_differed() {
    for seed in [1003, 1010, 1018, 1019, 2005, 3000, 3003, 4006] {
        let text = std::fs::read_to_string(format!("tests/once_wrong/{seed}.ptx")).unwrap();
        let mut case = Case::new(seed);
        case.module = parse(&text).unwrap().module;
        check(&case).unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
    }
}
