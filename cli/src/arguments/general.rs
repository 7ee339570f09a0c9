//! What most tasks take.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use ranstream::{DecodeOptions, Limits};

use super::sizes::{memory_size, size};

/// The library refuses a larger number.
const MOST_THREADS: u32 = 1024;

#[derive(Debug, Args)]
#[command(next_help_heading = "General")]
pub(crate) struct BaseArgs {
    /// What model files were tuned from: a file, or a folder with one of the same name for each;
    /// plain or compressed. Tensors become differences from it where that is smaller, and it is
    /// needed again to decompress
    #[arg(id = "base", long = "base", value_name = "PATH")]
    pub(crate) path: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Decompression")]
pub(crate) struct RangeArgs {
    /// First raw byte to write
    #[arg(long, value_name = "POSITION", value_parser = size, requires = "decompress")]
    pub(crate) from: Option<u64>,
    /// First raw byte not to write
    #[arg(long, value_name = "POSITION", value_parser = size, requires = "decompress")]
    pub(crate) to: Option<u64>,
    /// Jump by the index of a file alone; without this, the headers of all blocks before --from
    /// are read and compared with it
    #[arg(long, requires = "from")]
    pub(crate) trust_index: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Decompression")]
pub(crate) struct LimitArgs {
    #[command(flatten)]
    memory: MemoryArgs,
    /// Refuse to write more than SIZE raw bytes per file
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_output: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct MemoryArgs {
    /// Memory that blocks may take (default 1G)
    #[arg(long, value_name = "SIZE", value_parser = memory_size)]
    memory: Option<usize>,
}

#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Decompression")]
pub(crate) struct BackendArgs {
    /// Who decodes blocks
    #[arg(id = "backend", long = "backend", value_name = "WHO", value_enum, default_value_t = BackendName::Cpu)]
    pub(crate) name: BackendName,
}

/// In every build, so that a command line means the same or says why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackendName {
    /// The threads and a GPU, as far as a GPU is faster; for long files
    Auto,
    /// The threads alone
    Cpu,
    /// A GPU, and the threads for what it does not do; needs a rans with the feature gpu
    Gpu,
}

#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "General")]
pub(crate) struct ThreadArgs {
    /// Threads that code blocks; 0 is one per core, and more than help are not started. -p and
    /// --processes are the same
    #[arg(short = 'T', long, short_alias = 'p', alias = "processes", value_name = "N", default_value_t = 0)]
    threads: u32,
}

#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "General")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag on the command line")]
pub(crate) struct VoiceArgs {
    /// Say nothing but errors
    #[arg(short, long, overrides_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more: time and speed, each block of a list
    #[arg(short, long, overrides_with = "quiet")]
    pub(crate) verbose: bool,
    /// Show no progress bar
    #[arg(long, overrides_with = "progress")]
    pub(crate) no_progress: bool,
    /// Show a progress bar on a terminal (the default)
    #[arg(long, overrides_with = "no_progress", hide = true)]
    progress: bool,
}

/// What clap would add by itself, but above everything else.
#[derive(Debug, Args)]
#[command(next_help_heading = "General")]
pub(crate) struct AboutArgs {
    /// Print help
    #[arg(short, long, action = ArgAction::Help, global = true)]
    help: Option<bool>,
    /// Print the version; with -v also the kernels, the threads and what the environment sets
    #[arg(short = 'V', long)]
    pub(crate) version: bool,
}

impl LimitArgs {
    pub(crate) fn options(&self, threads: ThreadArgs) -> DecodeOptions {
        let mut limits = self.memory.limits();
        if let Some(bytes) = self.max_output {
            limits = limits.max_output(bytes);
        }
        DecodeOptions::new().limits(limits).threads(threads.count())
    }
}

impl MemoryArgs {
    pub(crate) fn limits(&self) -> Limits {
        self.memory.map_or_else(Limits::new, |bytes| Limits::new().max_memory(bytes))
    }
}

impl ThreadArgs {
    /// As the library takes it: 0 is one per core. It starts a few per core at most.
    pub(crate) fn count(self) -> usize {
        self.threads.min(MOST_THREADS) as usize
    }
}

impl VoiceArgs {
    /// Nothing but `quiet`.
    pub(crate) fn only(quiet: bool) -> Self {
        Self { quiet, verbose: false, no_progress: false, progress: false }
    }
}
