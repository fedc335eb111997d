//! What must not compile: blocks that are not whole warps, and types that cannot be reduced.

#[test]
fn ragged_blocks_and_wrong_types_do_not_compile() {
    // Const assertions fail when code is generated, which `cargo check` does not do: one good program makes the cases be built.
    let cases = trybuild::TestCases::new();
    cases.pass("tests/compile_fail/whole_warps.rs");
    cases.compile_fail("tests/compile_fail/block_16.rs");
    cases.compile_fail("tests/compile_fail/block_48.rs");
    cases.compile_fail("tests/compile_fail/block_4x4.rs");
    cases.compile_fail("tests/compile_fail/block_8x6.rs");
    cases.compile_fail("tests/compile_fail/wrong_type.rs");
}
