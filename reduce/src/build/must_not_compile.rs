//! What the compiler refuses.

/// Programs that must not compile: blocks that are not whole warps, types that cannot be reduced. Each differs in one word from the one that must:
///
/// ```
/// use tilewright_ptx_ir::{Target, ir::Module};
/// use tilewright_reduce::build::Block;
///
/// let _ = Module::kernel("kernel", Target::Sm80, |k| {
///     let y = k.pointer::<f32>("y");
///     y.at(0).store(Block::<16, 16>::of(k).sum(k.constant::<f32>(1.0)));
/// });
/// ```
///
/// Half a warp, in a row and in two dimensions:
///
/// ```compile_fail
/// use tilewright_ptx_ir::{Target, ir::Module};
/// use tilewright_reduce::build::Block;
///
/// let _ = Module::kernel("kernel", Target::Sm80, |k| {
///     let y = k.pointer::<f32>("y");
///     y.at(0).store(Block::<16>::of(k).sum(k.constant::<f32>(1.0)));
/// });
/// ```
///
/// ```compile_fail
/// use tilewright_ptx_ir::{Target, ir::Module};
/// use tilewright_reduce::build::Block;
///
/// let _ = Module::kernel("kernel", Target::Sm80, |k| {
///     let y = k.pointer::<f32>("y");
///     y.at(0).store(Block::<4, 4>::of(k).sum(k.constant::<f32>(1.0)));
/// });
/// ```
///
/// One and a half:
///
/// ```compile_fail
/// use tilewright_ptx_ir::{Target, ir::Module};
/// use tilewright_reduce::build::Block;
///
/// let _ = Module::kernel("kernel", Target::Sm80, |k| {
///     let y = k.pointer::<f32>("y");
///     y.at(0).store(Block::<48>::of(k).sum(k.constant::<f32>(1.0)));
/// });
/// ```
///
/// ```compile_fail
/// use tilewright_ptx_ir::{Target, ir::Module};
/// use tilewright_reduce::build::Block;
///
/// let _ = Module::kernel("kernel", Target::Sm80, |k| {
///     let y = k.pointer::<f32>("y");
///     y.at(0).store(Block::<8, 6>::of(k).sum(k.constant::<f32>(1.0)));
/// });
/// ```
///
/// More threads than a block can have, though they are whole warps:
///
/// ```compile_fail
/// use tilewright_ptx_ir::{Target, ir::Module};
/// use tilewright_reduce::build::Block;
///
/// let _ = Module::kernel("kernel", Target::Sm80, |k| {
///     let y = k.pointer::<f32>("y");
///     y.at(0).store(Block::<1056>::of(k).sum(k.constant::<f32>(1.0)));
/// });
/// ```
///
/// A type that can be stored and made a constant, but not reduced; the same store of a constant compiles:
///
/// ```
/// use tilewright_ptx_ir::{Target, ir::Module};
/// use tilewright_reduce::build::Block;
///
/// let _ = Module::kernel("kernel", Target::Sm80, |k| {
///     let y = k.pointer::<u64>("y");
///     let _ = Block::<16, 16>::of(k);
///     y.at(0).store(k.constant::<u64>(1));
/// });
/// ```
///
/// ```compile_fail
/// use tilewright_ptx_ir::{Target, ir::Module};
/// use tilewright_reduce::build::Block;
///
/// let _ = Module::kernel("kernel", Target::Sm80, |k| {
///     let y = k.pointer::<u64>("y");
///     y.at(0).store(Block::<16, 16>::of(k).sum(k.constant::<u64>(1)));
/// });
/// ```
struct MustNotCompile;
