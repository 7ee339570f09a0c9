//! What the subcommands take.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::Shell;

use super::{BackendArgs, BaseArgs, LimitArgs, SourceArgs, ThreadArgs, VoiceArgs, general::MemoryArgs, sizes::size};

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Show what is in compressed files
    List(ListArgs),
    /// Decode compressed files and write nothing, to see whether they are whole
    Test(TestArgs),
    /// Save every complete block of a damaged file
    Recover(RecoverArgs),
    /// Add an index to files that were written to a pipe
    Index(IndexArgs),
    /// Measure how small and how fast each mode and kernel makes a file
    Bench(BenchArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, for man(1)
    Man {
        /// The page of this subcommand
        subcommand: Option<String>,
    },
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag on the command line")]
pub(crate) struct ListArgs {
    /// Compressed files; none, or -, is standard input
    #[arg(value_name = "FILE")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// List every block
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// List the tensors of safetensors and GGUF files
    #[arg(long)]
    pub(crate) tensors: bool,
    /// Say nothing but errors beside the list
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Read special files and the terminal
    #[arg(short, long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Compressed files; none, or -, is standard input
    #[arg(value_name = "FILE")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Read special files and the terminal
    #[arg(short, long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) base: BaseArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) voice: VoiceArgs,
}

/// Saves every complete block of a damaged file, tells where the rest was lost, and ends with
/// status 1 if anything was
#[derive(Debug, Args)]
pub(crate) struct RecoverArgs {
    /// The damaged file
    #[arg(value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Where the raw bytes go, one block behind the other; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Overwrite the output
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Write zeros for what is lost, so that every block is where it was
    #[arg(long)]
    pub(crate) pad: bool,
    #[command(flatten)]
    pub(crate) memory: MemoryArgs,
    /// Do not say what was lost and saved
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Adds an index to compressed files that have none, those that were written to a pipe above all,
/// so that a place in them is found without reading all headers. Each file is copied and replaced
/// by its copy; raw bytes, blocks and checks stay as they are
#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    /// Compressed files
    #[arg(value_name = "FILE", required = true)]
    pub(crate) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) memory: MemoryArgs,
    /// Say nothing but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Codes a file and back in memory, in every mode and with every kernel that this machine has, and
/// writes nothing
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// The file; - is standard input
    #[arg(value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Rounds, of which the median counts
    #[arg(short, long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) rounds: u16,
    /// Take no more than SIZE bytes of the file
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = size)]
    pub(crate) max_size: u64,
    /// Decode on a GPU, too; needs a rans with the feature gpu
    #[arg(long)]
    pub(crate) gpu: bool,
    /// Show no progress bar
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
}
