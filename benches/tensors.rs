//! Model files as archives beside zstd: sizes, and speeds on one core and on all.
//! `scripts/bench_tensors.sh` runs it, and sets the packages `zipnn` and `lmzip` beside it.
//!
//! `tensors measure ROUNDS FILE...` prints one line for each file and way, fields by tabs: file,
//! way, threads, bytes, raw bytes, and raw bytes per second to encode and to decode. With one
//! thread the time is that of the thread, else that of the clock. Outputs are buffers that were
//! touched before, but for the line that says something else. `tensors bf16 FILE OUT` rounds the
//! floats of a safetensors file to bf16. Of a bf16 file, `tensors pruned FILE OUT` sets half of the
//! floats to zero at random, `tensors magnitude FILE OUT` the smaller half of each tensor, as
//! pruning does, and `tensors tuned FILE OUT` moves each by a third of a percent or so. `tensors
//! over ROUNDS BASE FILE` prints lines for a file over another one. `tensors latency FILE...` says
//! how long opening takes, and one row.

use std::{env, error::Error, fs, io::Write as _, path::Path, time::Instant};

use cpu_time::ThreadTime;
use ranstream::{EncodeOptions, RansWriter};
use ranstream_tensors::{Archive, BaseModel, DType, Profile, TensorOptions, TensorWriter};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["measure", rounds, ref files @ ..] => {
            let rounds: usize = rounds.parse()?;
            files.iter().try_for_each(|file| measure(Path::new(file), rounds.max(1)))
        }
        ["bf16", file, out] => Ok(fs::write(out, rounded(&fs::read(file)?)?)?),
        ["latency", ref files @ ..] => latency(files),
        ["pruned", file, out] => Ok(fs::write(out, pruned(fs::read(file)?)?)?),
        ["magnitude", file, out] => Ok(fs::write(out, pruned_by_magnitude(fs::read(file)?)?)?),
        ["tuned", file, out] => Ok(fs::write(out, tuned(fs::read(file)?)?)?),
        ["over", rounds, base, file] => over(Path::new(base), Path::new(file), rounds.parse()?),
        _ => Err("usage: tensors measure ROUNDS FILE... | tensors bf16|pruned|magnitude|tuned FILE OUT | \
                  tensors over ROUNDS BASE FILE | tensors latency FILE..."
            .into()),
    }
}

/// One way to make a file smaller.
enum Way {
    Tensors(Profile),
    Over(BaseModel, Profile),
    Bytes,
    Zstd(i32),
}

fn measure(path: &Path, rounds: usize) -> Result<()> {
    let raw = fs::read(path)?;
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let ways = [
        ("fast", Way::Tensors(Profile::Fast)),
        ("small", Way::Tensors(Profile::Small)),
        ("device", Way::Tensors(Profile::Device)),
        ("bytes", Way::Bytes),
        ("zstd -3", Way::Zstd(3)),
        ("zstd -19", Way::Zstd(19)),
    ];
    ways.iter().try_for_each(|(name, way)| lines(&file, &raw, name, way, rounds))
}

/// The differences of a file from another one, which lies in memory.
fn over(base: &Path, file: &Path, rounds: usize) -> Result<()> {
    let (base, raw) = (BaseModel::open(fs::read(base)?)?, fs::read(file)?);
    let file = file.file_name().unwrap_or_default().to_string_lossy();
    for (name, profile) in [("over a base", Profile::Fast), ("over a base, small", Profile::Small)] {
        lines(&file, &raw, name, &Way::Over(base.clone(), profile), rounds)?;
    }
    Ok(())
}

/// Prints the lines of a file and a way.
fn lines(file: &str, raw: &[u8], name: &str, way: &Way, rounds: usize) -> Result<()> {
    let (coded, encode) = encoded(raw, way, rounds)?;
    for (name, threads, memory) in [
        (name.to_owned(), 1, Memory::Kept),
        (name.to_owned(), 0, Memory::Kept),
        (format!("{name}, new memory"), 1, Memory::New),
    ] {
        let Some(decode) = decoded(raw, &coded, way, threads, memory, rounds)? else { continue };
        let encode = if threads == 1 { encode } else { f64::NAN };
        let speed = |seconds: f64| raw.len() as f64 / seconds;
        let (encode, decode) = (speed(encode), speed(decode));
        println!("{file}\t{name}\t{threads}\t{}\t{}\t{encode:.0}\t{decode:.0}", coded.len(), raw.len());
    }
    Ok(())
}

/// The coded file, and the seconds that it took.
fn encoded(raw: &[u8], way: &Way, rounds: usize) -> Result<(Vec<u8>, f64)> {
    let (mut coded, mut times) = (Vec::new(), Vec::new());
    // The highest level takes minutes.
    let rounds = if matches!(way, Way::Zstd(19)) { 1 } else { rounds };
    for _ in 0..rounds {
        coded.clear();
        let start = ThreadTime::now();
        match way {
            Way::Tensors(profile) | Way::Over(_, profile) => {
                let mut options = TensorOptions::new().profile(*profile);
                if let Way::Over(base, _) = way {
                    options = options.base(base);
                }
                let mut writer = TensorWriter::new(&mut coded, options);
                writer.write_all(raw)?;
                writer.finish()?;
            }
            Way::Bytes => {
                let mut writer = RansWriter::with_options(&mut coded, EncodeOptions::new().index(true));
                writer.write_all(raw)?;
                writer.finish()?;
            }
            Way::Zstd(level) => coded = zstd::bulk::compress(raw, *level)?,
        }
        times.push(start.elapsed().as_secs_f64());
    }
    Ok((coded, median(times)))
}

/// Where outputs go.
#[derive(Clone, Copy, PartialEq)]
enum Memory {
    /// To a buffer that was used before.
    Kept,
    /// To one that the system has to give first.
    New,
}

/// The seconds that decoding takes. `None`: it has no threads.
fn decoded(raw: &[u8], coded: &[u8], way: &Way, threads: usize, memory: Memory, rounds: usize) -> Result<Option<f64>> {
    let mut out = vec![1; raw.len()];
    let mut times = Vec::new();
    if threads != 1 && matches!(way, Way::Zstd(_)) {
        return Ok(None);
    }
    for round in 0..=rounds {
        let (thread, clock) = (ThreadTime::now(), Instant::now());
        if memory == Memory::New {
            out = vec![0; raw.len()];
        }
        if let Way::Zstd(_) = way {
            zstd::bulk::decompress_to_buffer(coded, &mut out)?;
        } else {
            let mut archive = Archive::open(coded)?;
            if let Way::Over(base, _) = way {
                archive = archive.with_base(base);
            }
            let mut rest = &mut out[archive.header().len()..];
            let mut at = archive.header().len() as u64;
            archive.decode_all(threads, |info| {
                let (_, behind) = std::mem::take(&mut rest).split_at_mut((info.range.start - at) as usize);
                let (place, behind) = behind.split_at_mut(info.len() as usize);
                (rest, at) = (behind, info.range.end);
                Some(place)
            })?;
        }
        if round > 0 {
            times.push(if threads == 1 { thread.elapsed().as_secs_f64() } else { clock.elapsed().as_secs_f64() });
        }
    }
    let from = Archive::open(raw)?.tensors().first().map_or(0, |tensor| tensor.range.start as usize);
    if out[from..] != raw[from..] {
        return Err("not restored".into());
    }
    Ok(Some(median(times)))
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The same model in bf16: floats rounded to the nearest, halves to even; other tensors are left
/// out.
fn rounded(file: &[u8]) -> Result<Vec<u8>> {
    let archive = Archive::open(file)?;
    let (mut parts, mut data) = (Vec::new(), Vec::new());
    for info in archive.tensors().iter().filter(|info| info.dtype == DType::F32) {
        let start = data.len();
        for value in file[info.range.start as usize..info.range.end as usize].as_chunks().0 {
            data.extend(bf16(f32::from_le_bytes(*value)));
        }
        let (name, shape, end) = (&info.name, &info.shape, data.len());
        parts.push(format!("{name:?}:{{\"dtype\":\"BF16\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}"));
    }
    let header = format!("{{{}}}", parts.join(","));
    Ok([&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat())
}

/// The nearest bf16, halves to even.
fn bf16(value: f32) -> [u8; 2] {
    let bits = value.to_bits();
    (((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16) as u16).to_le_bytes()
}

/// The same model with the smaller half of each tensor of bf16 set to 0.
fn pruned_by_magnitude(mut file: Vec<u8>) -> Result<Vec<u8>> {
    let archive = Archive::open(&file[..])?;
    let ranges: Vec<_> = archive.tensors().iter().map(|info| info.range.clone()).collect();
    drop(archive);
    for range in ranges {
        let elements = file[range.start as usize..range.end as usize].as_chunks_mut::<2>().0;
        let magnitude = |element: [u8; 2]| u16::from_le_bytes(element) & 0x7FFF;
        let mut magnitudes: Vec<u16> = elements.iter().map(|element| magnitude(*element)).collect();
        let middle = magnitudes.len() / 2;
        let (_, &mut median, _) = magnitudes.select_nth_unstable(middle);
        elements.iter_mut().filter(|element| magnitude(**element) < median).for_each(|element| *element = [0; 2]);
    }
    Ok(file)
}

/// The same model after some training: each float of bf16 has moved by a third of a percent of its
/// size or so, and was rounded.
fn tuned(mut file: Vec<u8>) -> Result<Vec<u8>> {
    let start = Archive::open(&file[..])?.header().len();
    let mut state = 1_u64;
    for element in file[start..].as_chunks_mut::<2>().0 {
        // The sum of four bytes is about normal, with a deviation of 148.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let sum: i32 = state.to_be_bytes()[..4].iter().map(|&byte| i32::from(byte) - 128).sum();
        let old = f32::from_bits(u32::from(u16::from_le_bytes(*element)) << 16);
        *element = bf16(old * (1.0 + 0.003 * sum as f32 / 148.0));
    }
    Ok(file)
}

/// The same model with half of its elements 0, at random, but always the same.
fn pruned(mut file: Vec<u8>) -> Result<Vec<u8>> {
    let start = Archive::open(&file[..])?.header().len();
    let mut state = 1_u64;
    for element in file[start..].as_chunks_mut::<2>().0 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if state >> 63 == 1 {
            *element = [0; 2];
        }
    }
    Ok(file)
}

/// Calls that are timed, of which the median counts.
const CALLS: usize = 200;

/// Microseconds of this thread for one call.
fn call(mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let start = ThreadTime::now();
        work()?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(times))
}

/// Opening a model of 1,000 tensors and each of `files`, and reading a row of a matrix of bf16,
/// from memory and from a file.
fn latency(files: &[&str]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut all: Vec<(String, Vec<u8>)> = vec![("1,000 tensors".to_owned(), thousand())];
    for file in files {
        all.push(((*file).to_owned(), fs::read(file)?));
    }
    for (name, raw) in &all {
        let path = folder.path().join("model.rans");
        fs::write(&path, written(raw)?)?;
        let (stream, file) = (fs::read(&path)?, fs::File::open(&path)?);
        let memory = call(|| Archive::open(&stream[..]).map(drop).map_err(Into::into))?;
        let disk = call(|| Archive::open(&file).map(drop).map_err(Into::into))?;
        println!("open {name}: {memory:.0} us from memory, {disk:.0} us from a file");
    }
    let path = folder.path().join("matrix.rans");
    fs::write(&path, written(&matrix())?)?;
    let (stream, file) = (fs::read(&path)?, fs::File::open(&path)?);
    let (memory, disk) = (Archive::open(&stream[..])?, Archive::open(&file)?);
    for (source, archive) in [("memory", &memory), ("a file", &disk)] {
        let (mut row, mut at) = (vec![0; 8192], 0);
        let time = call(|| {
            at = (at + 37) % 1024;
            Ok(archive.tensor("matrix")?.rows(at..at + 1)?.decode_into(&mut row)?)
        })?;
        println!("a row of 4,096 elements of bf16, from {source}: {time:.1} us");
    }
    Ok(())
}

fn written(raw: &[u8]) -> Result<Vec<u8>> {
    let mut writer = TensorWriter::new(Vec::new(), TensorOptions::new());
    writer.write_all(raw)?;
    Ok(writer.finish()?)
}

fn model(tensors: &[(String, [usize; 2])]) -> Vec<u8> {
    let (mut parts, mut at) = (Vec::new(), 0);
    for (name, [rows, width]) in tensors {
        let end = at + 2 * rows * width;
        parts.push(format!("{name:?}:{{\"dtype\":\"BF16\",\"shape\":[{rows},{width}],\"data_offsets\":[{at},{end}]}}"));
        at = end;
    }
    let header = format!("{{{}}}", parts.join(","));
    let mut file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
    let mut state = 1_u64;
    for _ in 0..at / 2 {
        // Sums of bytes are about normal; their logarithm is what exponents hold.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let sum: i32 = state.to_be_bytes()[..4].iter().map(|&byte| i32::from(byte) - 128).sum();
        file.extend(((sum as f32 / 5000.0).to_bits() >> 16).to_le_bytes()[..2].iter());
    }
    file
}

fn thousand() -> Vec<u8> {
    let tensor = |index| (format!("model.layers.{}.block_{index}.weight", index / 12), [40, 100]);
    model(&(0..1000).map(tensor).collect::<Vec<_>>())
}

fn matrix() -> Vec<u8> {
    model(&[("matrix".to_owned(), [1024, 4096])])
}
