use tilewright_ptx_ir::{Target, ir::Module};
use tilewright_reduce::build::Block;

fn main() {
    let _ = Module::kernel("kernel", Target::Sm80, |k| {
        let y = k.pointer::<f32>("y");
        let block = Block::<16, 16>::of(k);
        y.at(0).store(block.sum(k.constant(1.0f32)));
    });
}
