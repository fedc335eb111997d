//! Prints one module with every kernel of the crate, for the target named on the command line (sm_80 if none): what `ptxas` is to assemble.

use std::process::ExitCode;

use tilewright_ptx_ir::{Target, ir::Module};

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_else(|| "sm_80".to_owned());
    let Some(target) = Target::from_name(&name) else {
        eprintln!("no target is called {name}");
        return ExitCode::from(2);
    };
    let mut all = Module::new(target, Vec::new());
    for plan in tilewright_reduce::plans() {
        match tilewright_reduce::module(&plan, target) {
            Ok(module) => all.kernels.extend(module.kernels),
            Err(errors) => {
                eprintln!("{plan}: {errors}");
                return ExitCode::FAILURE;
            }
        }
    }
    print!("{all}");
    ExitCode::SUCCESS
}
