//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tilewright_libcuda_sim::Profile;
use tilewright_ptx_ir::Target;

use crate::device::Choice;

/// Quantized transformer kernels in Rust: checks every operation against its CPU oracle, then runs the attention of a trained block through them.
#[derive(Debug, Parser)]
#[command(version, subcommand_precedence_over_arg = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) device: DeviceArguments,
    /// Only these operations (see `list`), or `block` for the trained block; everything if none is named.
    #[arg(value_name = "OP")]
    pub(crate) operations: Vec<String>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Where to run.
#[derive(Debug, Args)]
pub(crate) struct DeviceArguments {
    /// auto (a GPU if the driver loads, else the simulator), cuda, cuda:N, or sim.
    #[arg(long, global = true, default_value = "auto", value_name = "DEVICE")]
    pub(crate) device: Choice,
    /// The chip that the simulator is, and the target of `ptx` and `ptxas`.
    #[arg(long, global = true, value_name = "ARCH")]
    pub(crate) arch: Option<Arch>,
}

/// An architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arch {
    #[value(name = "sm_80")]
    Sm80,
    #[value(name = "sm_86")]
    Sm86,
    #[value(name = "sm_89")]
    Sm89,
    #[value(name = "sm_90a")]
    Sm90a,
}

impl Arch {
    pub(crate) const ALL: [Self; 4] = [Self::Sm80, Self::Sm86, Self::Sm89, Self::Sm90a];

    pub(crate) const fn target(self) -> Target {
        match self {
            Self::Sm80 => Target::Sm80,
            Self::Sm86 => Target::Sm86,
            Self::Sm89 => Target::Sm89,
            Self::Sm90a => Target::Sm90a,
        }
    }

    pub(crate) const fn profile(self) -> Profile {
        match self {
            Self::Sm80 => Profile::Sm80,
            Self::Sm86 => Profile::Sm86,
            Self::Sm89 => Profile::Sm89,
            Self::Sm90a => Profile::Sm90,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The operations.
    List,
    /// The devices found, and why one was not.
    Devices,
    /// One operation on tensors of your own.
    Run(RunArguments),
    /// The PTX text of an operation's kernels.
    Ptx(PtxArguments),
    /// Times the operations on a GPU; on the simulator counts instructions, sectors and bank conflicts.
    Bench(BenchArguments),
    /// Draws what `bench` measured, as SVG: a roofline, and bars for each operation. Needs no device.
    Plot(PlotArguments),
    /// Quantizes every layer of a checkpoint to int4. A run that was killed goes on where it was.
    Quantize(QuantizeArguments),
    /// What is in a quantized checkpoint: formats, bits, groups, zero points, and the error of each layer.
    Inspect(InspectArguments),
    /// Assembles every kernel with ptxas (from TILEWRIGHT_PTXAS, the path or the CUDA toolkit): registers, spills and warnings against each
    /// kernel's budget.
    Ptxas {
        /// Also lists what each kernel uses.
        #[arg(long)]
        kernels: bool,
    },
}

/// `showcase bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    /// Only these operations (see `list`); all if none is named.
    #[arg(value_name = "OP")]
    pub(crate) operations: Vec<String>,
    /// Also writes everything to this file, as `docs/bench.md` describes it.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// On a GPU, also draws the pictures of `showcase plot` into this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) plot: Option<PathBuf>,
}

/// `showcase plot`.
#[derive(Debug, Args)]
pub(crate) struct PlotArguments {
    /// What `bench --json` wrote.
    #[arg(value_name = "OURS.json")]
    pub(crate) ours: PathBuf,
    /// What `bench/peers.py --ratios` made of that file: the bars are then ratios instead of shares of the ceiling.
    #[arg(long, value_name = "RATIOS.json")]
    pub(crate) ratios: Option<PathBuf>,
    /// The folder for the pictures.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// `showcase run`.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// The operation.
    #[arg(value_name = "OP")]
    pub(crate) operation: String,
    /// A safetensors file with the operation's tensors.
    #[arg(long, value_name = "IN.safetensors")]
    pub(crate) input: PathBuf,
    /// Where the results go; written as a whole or not at all.
    #[arg(long, value_name = "OUT.safetensors")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) options: RunOptions,
}

/// The options of operations that have some.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct RunOptions {
    /// matmul-int8: type of y (i32: the sums themselves).
    #[arg(long, value_enum)]
    pub(crate) out: Option<Output>,
    /// attention: queries see no later keys; the last query is aligned with the last key.
    #[arg(long)]
    pub(crate) causal: bool,
    /// attention: what scores are multiplied by, instead of 1 / sqrt(D).
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) scale: Option<f32>,
    /// rms-norm, layer-norm: what is added to the mean square or the variance (1e-5).
    #[arg(long)]
    pub(crate) eps: Option<f32>,
    /// matmul-int4, qkv-int4: how the weight is stored (gptq unless told otherwise); qkv-int4 takes gptq and gptq_v2.
    #[arg(long, value_enum)]
    pub(crate) format: Option<CheckpointFormat>,
}

/// The type of y of matmul-int8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    F16,
    F32,
    I32,
}

/// `showcase quantize`.
#[derive(Debug, Args)]
pub(crate) struct QuantizeArguments {
    /// The checkpoint: safetensors with weights [N, K] in F16, BF16 or F32, or a GGUF file.
    #[arg(long, value_name = "W.safetensors")]
    pub(crate) input: PathBuf,
    /// Where the quantized checkpoint goes; there as a whole or not at all.
    #[arg(long, value_name = "Q.safetensors")]
    pub(crate) output: PathBuf,
    /// Bits of a weight.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(4..=4))]
    pub(crate) bits: u8,
    /// Weights of a row that share a scale: a multiple of 32, or -1 for whole rows.
    #[arg(long, default_value_t = 64, allow_negative_numbers = true, value_name = "G")]
    pub(crate) group_size: i64,
    /// How integers are chosen.
    #[arg(long, value_enum, default_value_t = Method::Rtn)]
    pub(crate) method: Method,
    /// gptq: the layers' inputs, [tokens, K] each, called like the layer with `.input`; or one tensor for all.
    #[arg(long, value_name = "X.safetensors")]
    pub(crate) calibration: Option<PathBuf>,
    /// How the output holds weights.
    #[arg(long, value_enum, default_value_t = CheckpointFormat::Gptq)]
    pub(crate) format: CheckpointFormat,
    /// Zero points of their own for groups, instead of 8 for all.
    #[arg(long)]
    pub(crate) asymmetric: bool,
    /// gptq: which columns are rounded first.
    #[arg(long, value_enum, default_value_t = GroupOrder::Natural)]
    pub(crate) order: GroupOrder,
    /// How scales are chosen.
    #[arg(long, value_enum, default_value_t = Rule::LeastSquares)]
    pub(crate) rule: Rule,
    /// gptq: what is added to the Hessian's diagonal, as a share of its mean.
    #[arg(long, default_value_t = 0.01)]
    pub(crate) damping: f64,
    /// Only tensors with this in their names; without it all of two dimensions but embeddings, norms and the output head. May be repeated.
    #[arg(long, value_name = "PART")]
    pub(crate) only: Vec<String>,
    /// No tensors with this in their names: they are copied. May be repeated.
    #[arg(long, value_name = "PART")]
    pub(crate) skip: Vec<String>,
    /// Layers at a time; one a core if it is not said.
    #[arg(long, value_parser = parse_threads)]
    pub(crate) threads: Option<usize>,
}

fn parse_threads(text: &str) -> Result<usize, String> {
    text.parse::<std::num::NonZeroUsize>().map(Into::into).map_err(|error| error.to_string())
}

/// How integers are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// Each to nearest.
    Rtn,
    /// One column after the other, each error made good by the columns that follow.
    Gptq,
}

/// Which columns GPTQ rounds first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GroupOrder {
    /// As they stand.
    Natural,
    /// Those with the largest inputs, in groups of their own (`g_idx`).
    Activation,
    /// Those with the largest inputs, in groups that lie side by side.
    Static,
}

/// How scales are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rule {
    /// No weight is clipped.
    Max,
    /// The least squared error.
    LeastSquares,
}

/// How a checkpoint holds int4 weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckpointFormat {
    /// AutoGPTQ's first: zero points less one.
    #[value(name = "gptq")]
    Gptq,
    /// AutoGPTQ's second.
    #[value(name = "gptq_v2")]
    GptqV2,
    /// AutoAWQ's GEMM.
    #[value(name = "awq")]
    AwqGemm,
    /// AutoAWQ's GEMV.
    #[value(name = "awq-gemv")]
    AwqGemv,
    /// compressed-tensors, pack-quantized.
    #[value(name = "compressed-tensors")]
    CompressedTensors,
}

impl CheckpointFormat {
    pub(crate) const fn format(self) -> tilewright_quant_pack::formats::Format {
        use tilewright_quant_pack::formats::Format;
        match self {
            Self::Gptq => Format::Gptq,
            Self::GptqV2 => Format::GptqV2,
            Self::AwqGemm => Format::AwqGemm,
            Self::AwqGemv => Format::AwqGemv,
            Self::CompressedTensors => Format::CompressedTensors,
        }
    }
}

/// How zero points are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Zeros {
    /// Less one.
    #[value(name = "gptq")]
    Gptq,
    /// As they are.
    #[value(name = "gptq_v2")]
    GptqV2,
}

/// `showcase inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArguments {
    /// A quantized checkpoint: safetensors or GGUF.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The checkpoint that it was made of (safetensors or GGUF): the error of each layer against it.
    #[arg(long, value_name = "W.safetensors")]
    pub(crate) original: Option<PathBuf>,
    /// The configuration, if the file does not have it and neither `quantize_config.json` nor `config.json` beside it.
    #[arg(long, value_name = "config.json")]
    pub(crate) config: Option<PathBuf>,
    /// How gptq's zero points are stored, whatever label and data say.
    #[arg(long, value_enum)]
    pub(crate) zeros: Option<Zeros>,
    /// With --original: a picture of the error of each layer into this folder.
    #[arg(long, value_name = "DIR", requires = "original")]
    pub(crate) plot: Option<PathBuf>,
}

/// `showcase ptx`.
#[derive(Debug, Args)]
pub(crate) struct PtxArguments {
    /// The operation.
    #[arg(value_name = "OP")]
    pub(crate) operation: String,
    /// The plan that this shape gets: M,N,K for products, M,N_q,N_kv,K for projections, B,H_q,H_kv,S_q,S_kv,D for (causal) attention, R,C for rows.
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', conflicts_with = "plan")]
    pub(crate) shape: Option<Vec<usize>>,
    /// Which of the operation's plans, from 0; `--stats` lists them.
    #[arg(long)]
    pub(crate) plan: Option<usize>,
    /// Instead of the text: counts of instructions, of every plan unless one is chosen.
    #[arg(long)]
    pub(crate) stats: bool,
}
