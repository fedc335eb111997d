//! `libcuda-sim`: puts programs that know nothing of the simulator on it.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};

/// A folder of libraries is searched under these names.
#[cfg(not(windows))]
const NAMES: &[&str] = &["libcuda.so.1", "libcuda.so"];
#[cfg(windows)]
const NAMES: &[&str] = &["nvcuda.dll"];

/// Where the loader looks for libraries.
const SEARCH_PATH: &str = if cfg!(windows) { "PATH" } else { "LD_LIBRARY_PATH" };

#[derive(Parser)]
#[command(version, about = "Runs programs of the CUDA driver API on a simulator")]
struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Runs a program with the simulated driver in front of any other
    Run {
        /// The program and its arguments
        #[arg(trailing_var_arg = true, required = true)]
        program: Vec<std::ffi::OsString>,
    },
    /// Puts libcuda.so.1 into a folder, for LD_LIBRARY_PATH
    Folder {
        /// The folder; it is made if there is none
        folder: PathBuf,
    },
    /// Lists the entry points: those that work, and those that print their name and return CUDA_ERROR_NOT_SUPPORTED
    Symbols,
}

fn main() -> ExitCode {
    match act(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            writeln!(io::stderr(), "error: {error}").ok();
            ExitCode::from(2)
        }
    }
}

fn act(action: Action) -> io::Result<ExitCode> {
    match action {
        Action::Run { program } => {
            let library = library()?;
            let folder = beside(&library)?;
            fill(&folder, &library)?;
            run(&folder, &program)
        }
        Action::Folder { folder } => {
            fill(&folder, &library()?)?;
            writeln!(io::stdout(), "{SEARCH_PATH}={}", folder.canonicalize()?.display())?;
            Ok(ExitCode::SUCCESS)
        }
        Action::Symbols => {
            let mut out = io::stdout().lock();
            for symbol in tilewright_cuda::served() {
                writeln!(out, "works          {symbol}")?;
            }
            for symbol in tilewright_cuda::absent() {
                writeln!(out, "not supported  {symbol}")?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The library that was built with this program: cargo always writes it to `deps`, and only some commands put it beside the program too.
fn library() -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().unwrap_or(Path::new("."));
    let name = format!("{}tilewright_cuda{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let places = [folder.join("deps").join(&name), folder.join(&name)];
    places.iter().find(|place| place.is_file()).cloned().ok_or_else(|| {
        let [first, second] = places.each_ref().map(|place| place.display());
        let says = format!(
            "the library is neither {first} nor {second}: build it with `cargo build -p tilewright-libcuda-sim-so`"
        );
        io::Error::new(io::ErrorKind::NotFound, says)
    })
}

/// A folder of its own beside the library, so that nothing finds a driver that was not asked for.
fn beside(library: &Path) -> io::Result<PathBuf> {
    Ok(library.parent().unwrap_or(Path::new(".")).canonicalize()?.join("libcuda-sim.d"))
}

/// Puts copies of the library into the folder under the names of the driver, each in one step: somebody may be loading the one before.
fn fill(folder: &Path, library: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for name in NAMES {
        let part = folder.join(format!("{name}.{}", std::process::id()));
        std::fs::copy(library, &part)?;
        std::fs::rename(&part, folder.join(name))?;
    }
    Ok(())
}

/// Runs the program with the folder in front; its exit status.
fn run(folder: &Path, program: &[std::ffi::OsString]) -> io::Result<ExitCode> {
    let [name, arguments @ ..] = program else { return Err(io::ErrorKind::InvalidInput.into()) };
    let mut path = vec![folder.to_owned()];
    path.extend(std::env::var_os(SEARCH_PATH).iter().flat_map(std::env::split_paths));
    let path = std::env::join_paths(path).map_err(io::Error::other)?;
    let status = Command::new(name)
        .args(arguments)
        .env(SEARCH_PATH, path)
        .status()
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", name.to_string_lossy())))?;
    Ok(exit_code(status))
}

fn exit_code(status: std::process::ExitStatus) -> ExitCode {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    // As a shell puts it.
    let code = status.code().or(signal.map(|signal| 128 + signal)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
