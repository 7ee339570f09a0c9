//! The decode kernel in its forms, and which one fits a device.

use std::{error, fmt, str::FromStr};

use crate::gpu::{GpuError, layout::SEGMENTS};

/// How the lanes of a segment tell each other which of them want a word. All forms give the same
/// bytes and verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// By ballots alone: no barrier in any round. Chosen where every subgroup has 32 invocations or
    /// more; can be asked for where all have one size, 4 to 16.
    Ballot,
    /// By ballots that are merged through workgroup memory. Chosen where no subgroup has more than
    /// 32 invocations.
    Merged,
    /// Through workgroup memory alone. For every device.
    Workgroup,
}

const LAYOUT: &str = include_str!("../../shaders/shared/layout.wgsl");
const WORDS: &str = include_str!("../../shaders/shared/words.wgsl");
const TABLE: &str = include_str!("../../shaders/shared/table.wgsl");
const TURNS: &str = include_str!("../../shaders/shared/turns.wgsl");
const VOTES: &str = include_str!("../../shaders/shared/votes.wgsl");
const JOB: &str = include_str!("../../shaders/shared/job.wgsl");

/// Lanes of a segment.
const LANES: u32 = 32;

/// Bytes of workgroup memory: the table, the cumulatives, the tile of turns, three votes per
/// segment, the failures.
pub(super) const WORKGROUP_MEMORY: u32 = (4096 + 257 + 256 + 3 * SEGMENTS as u32 + 1) * 4;

/// Invocations of the largest workgroup.
pub(super) const INVOCATIONS: u32 = SEGMENTS as u32 * LANES;

impl Form {
    /// All forms with their names.
    pub const ALL: [(&'static str, Self); 3] =
        [("ballot", Self::Ballot), ("merged", Self::Merged), ("workgroup", Self::Workgroup)];

    /// The form for subgroups of `sizes`, the smallest and the largest; `None`: the device has no
    /// subgroups.
    pub(super) fn fit(sizes: Option<(u32, u32)>) -> Self {
        match sizes {
            Some((min, _)) if min >= LANES => Self::Ballot,
            Some((_, max)) if max <= LANES => Self::Merged,
            _ => Self::Workgroup,
        }
    }

    /// The forms that may be chosen for subgroups of `sizes`, the best first.
    pub(super) fn candidates(sizes: Option<(u32, u32)>) -> impl Iterator<Item = Self> {
        let fit = Self::fit(sizes);
        let others = [Self::Merged, Self::Workgroup].into_iter();
        [fit].into_iter().chain(others.filter(move |form| *form != fit && form.fold(sizes).is_ok()))
    }

    /// Lanes per invocation.
    ///
    /// # Errors
    ///
    /// [`GpuError::Form`] when subgroups of `sizes` cannot run this form.
    pub(super) fn fold(self, sizes: Option<(u32, u32)>) -> Result<u32, GpuError> {
        let fold = match (self, sizes) {
            (Self::Workgroup, _) => Some(1),
            (Self::Merged, Some((_, max))) => (max <= LANES).then_some(1),
            (Self::Ballot, Some((min, _))) if min >= LANES => Some(1),
            (Self::Ballot, Some((min, max))) => (min == max && min >= 4 && min.is_power_of_two()).then(|| LANES / min),
            (_, None) => None,
        };
        let (smallest, largest) = sizes.unwrap_or_default();
        fold.ok_or(GpuError::Form { form: self, smallest, largest })
    }

    /// The whole shader.
    pub(super) fn source(self, fold: u32) -> String {
        let (votes, stage) = match self {
            Self::Ballot => ("", include_str!("../../shaders/lanes_ballot.wgsl")),
            Self::Merged => (VOTES, include_str!("../../shaders/lanes_merged.wgsl")),
            Self::Workgroup => (VOTES, include_str!("../../shaders/lanes_workgroup.wgsl")),
        };
        // Browsers refuse ballots without this line, naga refuses the line.
        let enable = if cfg!(target_family = "wasm") && self != Self::Workgroup { "enable subgroups;\n" } else { "" };
        format!("{enable}const FOLD: u32 = {fold}u;\n{LAYOUT}\n{WORDS}\n{TABLE}\n{TURNS}\n{JOB}\n{votes}\n{stage}")
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, form)| form == self).map_or("unknown", |(name, _)| name);
        f.pad(name)
    }
}

/// Takes a name of [`Form::ALL`].
impl FromStr for Form {
    type Err = ParseFormError;

    fn from_str(name: &str) -> Result<Self, ParseFormError> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, form)| *form).ok_or(ParseFormError)
    }
}

/// A name that is not in [`Form::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseFormError;

impl fmt::Display for ParseFormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown form; the forms are ballot, merged, workgroup")
    }
}

impl error::Error for ParseFormError {}

/// The kernel of one form on one device.
#[derive(Debug)]
pub(super) struct Kernel {
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) bindings: wgpu::BindGroupLayout,
}

impl Kernel {
    #[expect(unsafe_code, reason = "the host verifies what the shader's own checks would")]
    pub(super) fn new(device: &wgpu::Device, source: String) -> Self {
        let shader = wgpu::ShaderModuleDescriptor {
            label: Some("ranstream decode"),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        };
        // SAFETY: every index the shader uses comes from a job, which `stage` writes from a payload
        // that the CPU's own parser verified and places inside the bound ranges; a table's slots
        // are masked to its scale, and a scale that the table is too small for is searched among
        // the cumulatives, whose sum the parser verified; the one index that depends on coded
        // words, that of the next word, is clamped to the words of its segment or state; every loop
        // counts to a number in a job.
        let module = unsafe { device.create_shader_module_trusted(shader, wgpu::ShaderRuntimeChecks::unchecked()) };
        let storage = |binding, read_only| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Storage { read_only },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        };
        let bindings = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("ranstream decode"),
            entries: &[storage(0, true), storage(1, true), storage(2, false), storage(3, false)],
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("ranstream decode"),
            bind_group_layouts: &[Some(&bindings)],
            immediate_size: 0,
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("ranstream decode"),
            layout: Some(&layout),
            module: &module,
            entry_point: Some("decode"),
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        });
        Self { pipeline, bindings }
    }
}

#[cfg(test)]
mod tests {
    use wgpu::naga::{
        front::wgsl::parse_str,
        valid::{Capabilities, ValidationFlags, Validator},
    };

    use super::*;

    #[test]
    fn every_form_and_fold_is_valid() {
        for (form, folds) in [(Form::Ballot, &[1, 2, 4, 8][..]), (Form::Merged, &[1]), (Form::Workgroup, &[1])] {
            for &fold in folds {
                let module = parse_str(&form.source(fold)).unwrap_or_else(|error| panic!("{form} x{fold}: {error}"));
                let capabilities = if form == Form::Workgroup { Capabilities::empty() } else { Capabilities::SUBGROUP };
                if let Err(error) = Validator::new(ValidationFlags::all(), capabilities).validate(&module) {
                    panic!("{form} x{fold}: {error:?}");
                }
                assert_eq!(module.entry_points[0].name, "decode");
            }
        }
    }

    /// Not every compiler clears a variable on each pass of a loop.
    #[test]
    fn no_variable_is_declared_without_a_value() {
        for (_, form) in Form::ALL {
            let source = form.source(1);
            let declared: Vec<_> = source.lines().map(str::trim).filter(|line| line.starts_with("var ")).collect();
            assert!(declared.len() > 10);
            assert!(declared.iter().all(|line| line.contains(" = ")), "{form}: {declared:#?}");
        }
    }

    #[test]
    fn workgroup_memory_is_what_the_shaders_declare() {
        for (form, votes) in
            [(Form::Ballot, 0), (Form::Merged, 3 * SEGMENTS as u32), (Form::Workgroup, 3 * SEGMENTS as u32)]
        {
            let module = parse_str(&form.source(1)).unwrap();
            let mut layouter = wgpu::naga::proc::Layouter::default();
            layouter.update(module.to_ctx()).unwrap();
            let declared: u32 = module
                .global_variables
                .iter()
                .filter(|(_, of)| of.space == wgpu::naga::AddressSpace::WorkGroup)
                .map(|(_, of)| layouter[of.ty].size)
                .sum();
            assert_eq!(declared + 4 * (3 * SEGMENTS as u32 - votes), WORKGROUP_MEMORY, "{form}");
        }
    }

    #[test]
    fn the_form_fits_the_subgroups() {
        for (sizes, form) in [
            (None, Form::Workgroup),
            (Some((32, 32)), Form::Ballot),
            (Some((64, 64)), Form::Ballot),
            (Some((32, 64)), Form::Ballot),
            (Some((8, 32)), Form::Merged),
            (Some((8, 8)), Form::Merged),
            (Some((16, 64)), Form::Workgroup),
        ] {
            assert_eq!(Form::fit(sizes), form, "{sizes:?}");
            assert_eq!(form.fold(sizes), Ok(1), "{sizes:?}");
        }
        let all = |sizes| Form::candidates(sizes).collect::<Vec<_>>();
        assert_eq!(all(None), [Form::Workgroup]);
        assert_eq!(all(Some((32, 32))), [Form::Ballot, Form::Merged, Form::Workgroup]);
        assert_eq!(all(Some((64, 64))), [Form::Ballot, Form::Workgroup]);
        assert_eq!(all(Some((8, 8))), [Form::Merged, Form::Workgroup]);
        assert_eq!(Form::Ballot.fold(Some((8, 8))), Ok(4));
        assert!(Form::Ballot.fold(Some((8, 16))).is_err());
        assert!(Form::Ballot.fold(None).is_err());
        assert!(Form::Merged.fold(Some((64, 64))).is_err());
    }

    #[test]
    fn every_form_is_found_by_its_name() {
        for (name, form) in Form::ALL {
            assert_eq!(name.parse(), Ok(form));
            assert_eq!(form.to_string(), name);
        }
        assert_eq!("warp".parse::<Form>(), Err(ParseFormError));
    }
}
