//! How fast the simulator is on one core: `cargo run --release -p tilewright-ptx-sim --example throughput`.
//!
//! Figures are millions of warp instructions a second, loop control included, with every check, without those for races, and with none but bounds. Beside
//! them stands what a prototype reached on one core of a two-core server: an interpreter of plain arithmetic without checks built for x86-64-v3, and
//! shared memory with its races looked for; and what is wanted of kernels. With a number of arguments only what their names begin with is measured.

mod kernels;
mod loops;

use std::error::Error;
use std::time::Duration;

use tilewright_ptx_sim::Check;

#[expect(clippy::cast_precision_loss, reason = "a rate")]
fn rate((time, instructions): (Duration, u64)) -> f64 {
    instructions as f64 / time.as_secs_f64() / 1e6
}

fn main() -> Result<(), Box<dyn Error>> {
    // The simulator runs blocks on the cores of the pool that it is called in.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    pool.install(|| report().map_err(|error| error.to_string()))?;
    Ok(())
}

fn report() -> Result<(), Box<dyn Error>> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| name.starts_with(wanted.as_str()));
    println!("{:<28} {:>8} {:>8} {:>8}   prototype", "M warp instructions/s", "all", "errors", "off");
    for work in loops::WORK.iter().filter(|work| is_wanted(work.name)) {
        print!("{:<28}", work.name);
        for check in [Check::All, Check::Errors, Check::Off] {
            print!(" {:>8.1}", rate(loops::measure(work, check)?));
        }
        println!("   {}", work.prototype);
    }
    println!("\n{:<28} {:>8} {:>8} {:>8}   wanted: 20 with all, 60 with none", "", "all", "errors", "off");
    for kernel in kernels::KERNELS.iter().filter(|kernel| is_wanted(kernel.name)) {
        print!("{:<28}", kernel.name);
        let mut shares = String::new();
        for check in [Check::All, Check::Errors, Check::Off] {
            let (time, statistics) = kernels::measure(kernel, check)?;
            print!(" {:>8.1}", rate((time, statistics.instructions)));
            shares = kernels::shares(&statistics.mix, statistics.instructions);
        }
        println!("   {shares}");
    }
    Ok(())
}
