//! How streams are written.

use std::ffi::OsStr;

use clap::{
    Arg, Args, Command, ValueEnum,
    builder::{PossibleValue, StringValueParser, TypedValueParser},
};
use ranstream::{EncodeOptions, Error, Mode, Normalization, Prefer};
use ranstream_tensors::Profile;

use super::{
    ThreadArgs,
    level::LevelArgs,
    sizes::{block_size, segment_size},
    usage_error,
};

#[derive(Debug, Args)]
#[command(next_help_heading = "Compression")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag on the command line")]
pub(crate) struct EncodeArgs {
    #[command(flatten)]
    pub(crate) level: LevelArgs,
    /// Code every block in this mode instead of choosing
    #[arg(long, env = "RANS_MODE", default_value = "auto", value_parser = ModeNames)]
    mode: String,
    /// What counts more where symbols are coded: ratio takes lanes or pivot, whichever is smaller,
    /// speed takes pivot, which decodes faster, where it is at most 1.5 % larger. Default: a trade
    /// by the level; with -0 no pivot
    #[arg(long, value_name = "WHAT", value_parser = ["ratio", "speed"])]
    prefer: Option<String>,
    /// Raw bytes per block, 1 to 16M (default 4M; 256K with -0 or --mode, 1M from -1, 8M from -6
    /// on)
    #[arg(long, value_name = "SIZE", value_parser = block_size)]
    block_size: Option<usize>,
    /// Raw bytes per segment of a lanes block, 128 to 16M (default 64K)
    #[arg(long, value_name = "SIZE", value_parser = segment_size)]
    segment_size: Option<usize>,
    /// Precision of frequencies, 9 to 12; single and interleaved take up to 14 (default: by block
    /// length)
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u8).range(9..=14))]
    scale_bits: Option<u8>,
    /// States of an interleaved block, 1 to 255 (default 4)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    lanes: Option<u8>,
    /// Make frequencies as the original coder does: its payloads, byte for byte
    #[arg(long)]
    compat: bool,
    /// Count every byte of a long block, not a sample: slower, and 0.01 to 0.06 % smaller
    #[arg(long)]
    no_sampling: bool,
    /// What becomes of safetensors and GGUF files: auto and small code each tensor by its type,
    /// small with more effort, device for GPUs, off as bytes. --mode, --block-size and --compat
    /// turn auto off
    #[arg(long, value_name = "WHAT", default_value = "auto")]
    tensors: TensorsName,
    /// Check the raw bytes as well as the coded ones (the default)
    #[arg(long, overrides_with = "no_check", hide = true)]
    check: bool,
    /// No XXH3-64 over all raw bytes; the coded bytes are checked in any case
    #[arg(long, overrides_with = "check")]
    no_check: bool,
    /// An index to seek by, also on standard output and for a single block
    #[arg(long, overrides_with = "no_index")]
    index: bool,
    /// No index in files either; seeking hops from block to block then
    #[arg(long, overrides_with = "index")]
    no_index: bool,
}

impl EncodeArgs {
    /// What a stream is written with, apart from what depends on the file. Ends the program when
    /// the options do not go together.
    pub(crate) fn options(&self, threads: ThreadArgs) -> EncodeOptions {
        let mode: Mode = self.mode.parse().unwrap_or_else(|error| {
            usage_error(&format!("invalid mode '{}', from --mode or RANS_MODE: {error}", self.mode))
        });
        let mut options = EncodeOptions::new().mode(mode).content_check(!self.no_check).threads(threads.count());
        let named = |wanted: &str| Prefer::ALL.into_iter().find(|(name, _)| *name == wanted);
        if let Some((_, prefer)) = self.prefer.as_deref().and_then(named) {
            options = options.prefer(prefer);
        }
        if let Some(level) = self.level.level() {
            options = options.level(level);
        }
        if let Some(bytes) = self.block_size {
            options = options.block_len(bytes);
        }
        if let Some(bytes) = self.segment_size {
            options = options.segment_len(bytes);
        }
        if let Some(bits) = self.scale_bits {
            options = options.scale_bits(bits);
        }
        if let Some(lanes) = self.lanes {
            options = options.interleaved_lanes(lanes.into());
        }
        options = options.sampling(!self.no_sampling);
        if self.compat {
            options = options.normalization(Normalization::Compat);
        }
        if let Err(error) = ranstream::compress(&[], &options.clone().threads(1)) {
            usage_error(&match error {
                // The one range that depends on another option.
                Error::InvalidOption { option: "scale_bits", given, min, max } => {
                    format!("--scale-bits is {given}, outside {min}..={max} in mode {}", self.mode)
                }
                error => error.to_string(),
            });
        }
        options
    }

    /// How tensors are coded. `None`: as bytes.
    pub(crate) fn tensors(&self) -> Option<Profile> {
        let asked_for_blocks = self.mode != "auto" || self.block_size.is_some() || self.compat;
        match self.tensors {
            TensorsName::Off => None,
            TensorsName::Auto => (!asked_for_blocks).then_some(Profile::Fast),
            TensorsName::Small => Some(Profile::Small),
            TensorsName::Device => Some(Profile::Device),
        }
    }

    /// Whether an index is wanted, if it was said.
    pub(crate) fn index(&self) -> Option<bool> {
        (self.index || self.no_index).then_some(self.index)
    }
}

/// What `--tensors` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TensorsName {
    Auto,
    Small,
    Device,
    Off,
}

/// Offers the modes by name, but takes any: the name may come from the environment, which must not
/// stop who only decompresses.
#[derive(Debug, Clone)]
struct ModeNames;

impl TypedValueParser for ModeNames {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Mode::ALL.iter().map(|(name, _)| PossibleValue::new(*name))))
    }
}
