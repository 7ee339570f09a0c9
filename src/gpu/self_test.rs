//! Known blocks, which a kernel decodes before it is trusted.
//!
//! The kernel's verdicts are about states and words. They say nothing of the bytes that it stored,
//! so a mistake of a compiler in that part of a shader would pass. Here the bytes are compared, and
//! so is the verdict on a segment that is damaged.

use crate::{
    EncodeOptions, Mode, block,
    error::Error,
    format::HEADER_LEN,
    gpu::{
        Block, Gpu, GpuError,
        slot::{Arrived, Slot},
    },
    jobs::{Capacity, Placed, Push, SEGMENTS, STATUS_DONE},
    rans::segment::{LANES, Tail},
    section::lanes::LanesPayload,
    simd::crc32c,
};

/// The segment of the last block that is damaged.
const DAMAGED: usize = 3;

/// A block, and what a kernel must make of it.
#[derive(Debug)]
struct Known {
    name: &'static str,
    raw: Vec<u8>,
    coded: Vec<u8>,
    /// Of its one job.
    status: u32,
}

/// Decodes the known blocks with the kernel of `gpu`. `Some`: what is wrong. Call it within error
/// scopes.
///
/// # Errors
///
/// [`GpuError::Device`] when the device fails.
pub(super) fn fault(gpu: &Gpu) -> Result<Option<String>, GpuError> {
    let known = known().map_err(|error| GpuError::Device(error.to_string()))?;
    let blocks: Result<Vec<_>, _> = known.iter().map(|known| Block::parse(&known.coded)).collect();
    let blocks = blocks.map_err(|error| GpuError::Device(error.to_string()))?;
    let capacity = blocks.iter().filter_map(Capacity::of).fold(Capacity::NOTHING, Capacity::plus);
    let mut places = Vec::new();
    let filled = Slot::new(gpu, capacity).fill(|stage| {
        places.extend(blocks.iter().map(|block| stage.push(block)));
    })?;
    let arrived = filled.submit(gpu).arrive(gpu)?;
    Ok(known.iter().zip(places).find_map(|(known, place)| match place {
        Push::Placed(place) => compare(known, &place, &arrived),
        Push::Full | Push::Refused => Some(format!("a known block of {} was refused", known.name)),
    }))
}

fn compare(known: &Known, place: &Placed, arrived: &Arrived) -> Option<String> {
    let Known { name, raw, status, .. } = known;
    let statuses = &arrived.statuses()[place.jobs.clone()];
    if statuses != [*status] {
        return Some(format!("the verdict on a known block of {name} was {statuses:x?} in place of {status:x}"));
    }
    if *status != STATUS_DONE {
        return None;
    }
    let found = &arrived.raw()[place.raw_at..][..place.raw_len];
    let at = raw.iter().zip(found).position(|(right, found)| right != found)?;
    Some(format!("byte {at} of a known block of {name} was {} in place of {}", found[at], raw[at]))
}

/// A block for each way through the kernel.
fn known() -> Result<Vec<Known>, Error> {
    let lanes = EncodeOptions::new().mode(Mode::Lanes).segment_len(2 << 10).scale_bits(12);
    let turns = EncodeOptions::new().mode(Mode::Interleaved);
    // Seven whole segments, whose last rounds ride on the states, and one with a tail.
    let text = skewed(SEGMENTS * (2 << 10) - 777);
    let mut known = vec![
        Known::new("lanes", &text, &lanes)?,
        Known::new("interleaved", &text[..3001], &turns.clone().interleaved_lanes(4).scale_bits(12))?,
        Known::new("interleaved at 14 bits", &text[..3001], &turns.interleaved_lanes(37).scale_bits(14))?,
        Known::new("stored", &text[..1001], &EncodeOptions::new().mode(Mode::Stored))?,
        Known::new("fill", &[0xA5; 1001], &EncodeOptions::new().mode(Mode::Fill))?,
    ];
    let mut damaged = Known::new("damaged lanes", &text, &lanes)?;
    damage(&mut damaged.coded);
    damaged.status |= 1 << DAMAGED;
    known.push(damaged);
    Ok(known)
}

impl Known {
    fn new(name: &'static str, raw: &[u8], options: &EncodeOptions) -> Result<Self, Error> {
        let mut coded = Vec::new();
        block::encode(raw, options, &mut coded)?;
        Ok(Self { name, raw: raw.to_vec(), coded, status: STATUS_DONE })
    }
}

/// Changes a word of one segment, and the check with it.
fn damage(coded: &mut [u8]) {
    let Ok(raw_len) = block::raw_len(coded) else { return };
    let (body, check) = coded.split_at_mut(coded.len() - 4);
    let payload = &body[HEADER_LEN..];
    let Ok(lanes) = LanesPayload::parse(payload, Tail::Coded, raw_len) else { return };
    let segments_at = body.len() - lanes.segment_bytes().len();
    let Some((at, _)) = lanes.places().nth(DAMAGED) else { return };
    body[segments_at + at + 4 * LANES + 11] ^= 0x40;
    check.copy_from_slice(&crc32c(body, &[]).to_le_bytes());
}

/// Bytes below 64, small ones more often: 5.7 bits a byte, as text and quantised numbers have.
pub(super) fn skewed(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 26
    };
    (0..len).map(|_| draw().min(draw()) as u8).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        error::Corruption,
        format::BlockMode,
        gpu::{Form, GpuOptions, device::Opened},
        jobs::Shader,
    };

    fn gpu() -> Option<Gpu> {
        let gpu = Gpu::request(&GpuOptions::new().software(true)).ok();
        if gpu.is_none() {
            println!("skipped: no adapter");
        }
        gpu
    }

    /// Opens a device of the caller's anew, with shaders in which `from` is `to`.
    fn with_broken(gpu: &Gpu, options: &GpuOptions, broken: Form, from: &str, to: &str) -> Result<Gpu, GpuError> {
        let source = |shader: Shader| {
            let source = shader.source();
            assert!(shader.form != broken || source.contains(from), "{from} is not in the shader");
            if shader.form == broken { source.replacen(from, to, 1) } else { source }
        };
        let opened = Opened { device: gpu.device().clone(), queue: gpu.queue().clone(), lost: Arc::default() };
        Gpu::new(&opened, options, &source)
    }

    #[test]
    fn known_blocks_are_of_the_modes_that_they_stand_for() {
        let known = known().unwrap();
        let modes: Vec<_> = known.iter().map(|known| Block::parse(&known.coded).unwrap().mode()).collect();
        assert!(matches!(
            modes[..],
            [
                BlockMode::Lanes,
                BlockMode::Interleaved(_),
                BlockMode::Interleaved(_),
                BlockMode::Stored,
                BlockMode::Fill,
                BlockMode::Lanes
            ]
        ));
        for Known { name, raw, coded, status } in known {
            let mut back = vec![0; raw.len()];
            let verdict = block::decode(&coded, &mut back);
            if status == STATUS_DONE {
                assert_eq!(verdict, Ok(raw.len()), "{name}");
                assert!(back == raw, "{name}");
            } else {
                let reason = Corruption::SegmentEnd { segment: DAMAGED as u32 };
                assert!(matches!(verdict, Err(Error::Corrupt { reason: found, .. }) if found == reason), "{verdict:?}");
            }
        }
    }

    #[test]
    fn a_shader_that_stores_wrong_bytes_is_refused_though_its_verdicts_are_good() {
        let Some(gpu) = gpu() else { return };
        let form = gpu.form();
        for (from, to, told) in [
            // What becomes of the bytes where a compiler does not clear a variable on each pass.
            ("+ j * WIDTH + own] = quads[j];", "+ j * WIDTH + own] = quads[j] | quads[j] >> 1u;", "of lanes"),
            ("tile[quad] = state.bytes;", "tile[quad] = state.bytes ^ 4u;", "of interleaved"),
            ("offset = slot - cumulative[symbol];", "offset = slot;", "of interleaved at 14 bits"),
            ("coded[piece.coded_at + at]", "coded[piece.coded_at]", "of stored"),
            ("var quad = piece.coded_at;", "var quad = 7u;", "of fill"),
            ("atomicOr(&failed, 1u << index);", "", "of damaged lanes"),
        ] {
            let options = GpuOptions::new().form(form);
            let error = with_broken(&gpu, &options, form, from, to).unwrap_err();
            assert!(
                matches!(&error, GpuError::SelfTest { form: found, reason } if *found == form && reason.contains(told)),
                "{error}"
            );
        }
    }

    #[test]
    fn a_form_that_fails_makes_room_for_the_next_and_is_named() {
        let Some(gpu) = gpu() else { return };
        let first = gpu.form();
        let store = ("states[j] << 16u, whole);", "0u, whole);");
        let other = with_broken(&gpu, &GpuOptions::new(), first, store.0, store.1);
        if first == Form::Workgroup {
            assert!(matches!(other, Err(GpuError::SelfTest { form: Form::Workgroup, .. })), "there is no other form");
            return;
        }
        let other = other.unwrap();
        assert_ne!(other.form(), first);
        assert!(
            matches!(other.refused(), [GpuError::SelfTest { form, .. }] if *form == first),
            "{:?}",
            other.refused()
        );
        assert_eq!((gpu.refused(), other.lost()), (&[][..], None));
    }

    /// As on hardware whose subgroups hold two segments or more.
    #[test]
    fn several_segments_in_a_subgroup_decode_as_one_does() {
        let Some(gpu) = gpu() else { return };
        let largest = gpu.info().subgroup_max_size;
        let options = GpuOptions::new().form(Form::Ballot);
        for fold in [2, 4, 8, 16].into_iter().filter(|fold| 32 / fold < largest) {
            let source = |shader| Shader { fold, mixed: true, ..shader }.source();
            let opened = Opened { device: gpu.device().clone(), queue: gpu.queue().clone(), lost: Arc::default() };
            match Gpu::new(&opened, &options, &source) {
                Ok(gpu) => assert_eq!((gpu.form(), gpu.refused()), (Form::Ballot, &[][..]), "{fold} lanes"),
                Err(GpuError::Form { .. }) => println!("skipped: this device has no ballots"),
                Err(error) => panic!("{fold} lanes: {error}"),
            }
        }
    }

    #[test]
    fn a_shader_that_does_not_compile_is_refused() {
        let Some(gpu) = gpu() else { return };
        let options = GpuOptions::new().form(Form::Workgroup);
        let error = with_broken(&gpu, &options, Form::Workgroup, "fn copy(", "fn copy)").unwrap_err();
        assert!(matches!(&error, GpuError::SelfTest { form: Form::Workgroup, .. }), "{error}");
    }
}
