//! The GPU decoder on the card at hand, with the copies that bound it and the CPU beside it. Prints
//! Markdown.
//!
//!     cargo run --release -p ranstream-benches --features gpu --bin gpu -- [MIB] [ROUNDS]
//!
//! `MIB` is the most raw bytes that are in a batch (default 256; 8 on an adapter that computes on
//! the CPU), `ROUNDS` how often each figure is taken (default 9), of which the median counts.
//! `RANS_GPU_ADAPTER` asks for an adapter by a part of its name, `RANS_BENCH_CORPUS` for a folder
//! of files in place of what is made here.

use std::{env, error::Error, process::ExitCode, thread, time::Instant};

use ranstream::{
    EncodeOptions, Mode, block,
    gpu::{
        Block, Decoder, Encoder, Form, Gpu, GpuOptions, Pipeline, ResidentBlocks,
        wgpu::{self, BufferUsages},
    },
};
use ranstream_benches::{
    data::samples,
    device::{Timer, adapter, copy_down, copy_up, open},
};

const MIB: usize = 1 << 20;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let Some(adapter) = adapter() else {
        println!("no adapter: skipped");
        return ExitCode::SUCCESS;
    };
    match measure(&adapter) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(adapter: &wgpu::Adapter) -> Outcome<()> {
    let software = adapter.get_info().device_type == wgpu::DeviceType::Cpu;
    let argument = |index, default| env::args().nth(index).map_or(Ok(default), |text| text.parse::<usize>());
    let most = argument(1, if software { 8 } else { 256 })?.max(1) * MIB;
    let rounds = argument(2, if software { 3 } else { 9 })?.max(1);
    let bench = Bench::new(adapter, most, rounds)?;
    bench.header();
    bench.copies()?;
    bench.segments()?;
    bench.forms()?;
    bench.batches()?;
    bench.rings()?;
    bench.modes()?;
    bench.encoding()?;
    bench.samples()
}

struct Bench {
    gpu: Gpu,
    timer: Timer,
    most: usize,
    rounds: usize,
}

/// Raw bytes as blocks.
struct Coded {
    blocks: Vec<Vec<u8>>,
    raw_len: usize,
    coded_len: usize,
}

impl Coded {
    fn new(raw: &[u8], block_len: usize, options: &EncodeOptions) -> Outcome<Self> {
        let mut blocks = Vec::new();
        for chunk in raw.chunks(block_len) {
            let mut block = Vec::new();
            block::encode(chunk, options, &mut block)?;
            blocks.push(block);
        }
        let coded_len = blocks.iter().map(Vec::len).sum();
        Ok(Self { blocks, raw_len: raw.len(), coded_len })
    }

    fn parsed(&self) -> Outcome<Vec<Block<'_>>> {
        Ok(self.blocks.iter().map(|block| Block::parse(block)).collect::<Result<_, _>>()?)
    }
}

impl Bench {
    fn new(adapter: &wgpu::Adapter, most: usize, rounds: usize) -> Outcome<Self> {
        let (device, queue) = open(adapter)?;
        let timer = Timer::new(&device, &queue);
        let gpu = Gpu::from_wgpu(device, queue, &GpuOptions::new().batch_len(most))?;
        Ok(Self { gpu, timer, most, rounds })
    }

    fn header(&self) {
        let info = self.gpu.info();
        println!("# {}\n", info.name);
        if self.gpu.is_software() {
            println!(
                "**This adapter computes on the CPU. Nothing below says anything about a GPU**: it shows that the benchmark runs. A device of this kind is always slower than the CPU decoder.\n"
            );
        }
        println!(
            "{:?}, {:?}, driver {} {}; subgroups {} to {}, form {}; {} threads beside it; medians of {}; {}.\n",
            info.device_type,
            info.backend,
            info.driver,
            info.driver_info,
            info.subgroup_min_size,
            info.subgroup_max_size,
            self.gpu.form(),
            threads(),
            self.rounds,
            self.timer.describe()
        );
        for refused in self.gpu.refused() {
            println!("**{refused}**\n");
        }
        println!("GB/s are of raw bytes wherever bytes are decoded, 10^9 a second.\n");
    }

    /// What bounds everything that comes from the host or goes back to it.
    fn copies(&self) -> Outcome<()> {
        println!(
            "## Copies\n\nOf the host, into mapped memory and on to the device; from the device into mapped memory, and out of it.\n"
        );
        println!("| MiB | up GB/s | down GB/s |\n|---:|---:|---:|");
        for len in sizes(self.most) {
            let up = self.median(|| copy_up(self.gpu.device(), self.gpu.queue(), len))?;
            let down = self.median(|| copy_down(self.gpu.device(), self.gpu.queue(), len))?;
            println!("| {} | {} | {} |", len / MIB, speed(len, up), speed(len, down));
        }
        println!();
        Ok(())
    }

    /// Kernel alone, by the length of segments.
    fn segments(&self) -> Outcome<()> {
        let raw = &samples(self.most)[0];
        println!(
            "## Kernel, device to device, by segment length\n\n{}, blocks of 1 MiB, {} MiB in flight.\n",
            raw.name,
            self.most / MIB
        );
        println!("| segment KiB | bits | size % | kernel GB/s |\n|---:|---:|---:|---:|");
        for bits in [11, 12] {
            for kib in [4, 8, 16, 32, 64, 256] {
                let options = EncodeOptions::new().mode(Mode::Lanes).segment_len(kib << 10).scale_bits(bits);
                let coded = Coded::new(&raw.bytes[..self.most], MIB, &options)?;
                let kernel = self.kernel(&self.gpu, &coded)?;
                println!("| {kib} | {bits} | {:.2} | {} |", size(&coded), speed(coded.raw_len, kernel));
            }
        }
        println!();
        Ok(())
    }

    /// Kernel alone, by its form, and with what `rans -0` writes.
    fn forms(&self) -> Outcome<()> {
        let raw = &samples(self.most)[0];
        println!(
            "## Kernel, by form\n\n{}, {} MiB in flight. The last column is what `rans -0` writes.\n",
            raw.name,
            self.most / MIB
        );
        println!(
            "| form | segments of 16 KiB, blocks of 1 MiB | 64 KiB, 1 MiB | 64 KiB, 256 KiB |\n|---|---:|---:|---:|"
        );
        let coded = |segment_len, block_len| {
            let options = EncodeOptions::new().mode(Mode::Lanes).segment_len(segment_len);
            Coded::new(&raw.bytes[..self.most], block_len, &options)
        };
        let tables = [coded(16 << 10, MIB)?, coded(64 << 10, MIB)?, coded(64 << 10, 256 << 10)?];
        for (name, form) in Form::ALL {
            let options = GpuOptions::new().form(form);
            match Gpu::from_wgpu(self.gpu.device().clone(), self.gpu.queue().clone(), &options) {
                Ok(gpu) => {
                    let speeds: Outcome<Vec<_>> =
                        tables.iter().map(|coded| Ok(speed(coded.raw_len, self.kernel(&gpu, coded)?))).collect();
                    println!("| {name} | {} |", speeds?.join(" | "));
                }
                Err(error) => println!("| {name} | {error} | | |"),
            }
        }
        println!();
        Ok(())
    }

    /// All the ways, by the size of a batch.
    fn batches(&self) -> Outcome<()> {
        let raw = &samples(self.most)[0];
        println!(
            "## By batch\n\n{}, segments of 16 KiB, blocks of 256 KiB. Kernel: device to device. Host to host in one batch: through `Decoder`, and through `Pipeline`, whose bytes stay in mapped memory.\n",
            raw.name
        );
        println!(
            "| MiB | kernel | host to host, copied | mapped | one CPU thread | {} threads |\n|---:|---:|---:|---:|---:|---:|",
            threads()
        );
        for len in sizes(self.most) {
            let coded = Coded::new(&raw.bytes[..len], 256 << 10, &EncodeOptions::new().level(0).segment_len(16 << 10))?;
            let times = [
                self.kernel(&self.gpu, &coded)?,
                self.copied(&self.gpu, &coded)?,
                self.mapped(&self.gpu, &coded)?,
                self.cpu(&coded, 1)?,
                self.cpu(&coded, threads())?,
            ];
            let speeds = times.map(|seconds| speed(len, seconds)).join(" | ");
            println!("| {} | {speeds} |", len / MIB);
        }
        if let Some(cost) = self.gpu.cost() {
            println!(
                "\nWhat `Backend::Auto` reckons with: {:.3} ms a batch, upload {} GB/s of coded bytes, kernel {}, readback {}.",
                1e3 * cost.batch,
                figure(1e-9 / cost.upload),
                figure(1e-9 / cost.kernel),
                figure(1e-9 / cost.readback)
            );
        }
        println!();
        Ok(())
    }

    /// The same bytes in several batches, of which three are under way at a time: what the host
    /// does overlaps with what the device does.
    fn rings(&self) -> Outcome<()> {
        let raw = &samples(self.most)[0];
        let coded =
            Coded::new(&raw.bytes[..self.most], 256 << 10, &EncodeOptions::new().level(0).segment_len(16 << 10))?;
        println!(
            "## Host to host, {} MiB in batches\n\n| MiB a batch | copied | mapped |\n|---:|---:|---:|",
            self.most / MIB
        );
        for len in sizes(self.most) {
            let options = GpuOptions::new().batch_len(len);
            let gpu = Gpu::from_wgpu(self.gpu.device().clone(), self.gpu.queue().clone(), &options)?;
            let times = [self.copied(&gpu, &coded)?, self.mapped(&gpu, &coded)?];
            println!("| {} | {} |", len / MIB, times.map(|seconds| speed(self.most, seconds)).join(" | "));
        }
        println!();
        Ok(())
    }

    /// Kernel alone, by mode: what a batch costs that is not of `lanes`.
    fn modes(&self) -> Outcome<()> {
        let len = self.most.min(16 * MIB);
        let raw = &samples(len)[0];
        println!(
            "## Kernel, by mode\n\n{}, {} MiB.\n\n| mode | block KiB | kernel GB/s |\n|---|---:|---:|",
            raw.name,
            len / MIB
        );
        for (mode, block_len) in [
            (Mode::Lanes, 256 << 10),
            (Mode::Stored, 256 << 10),
            (Mode::Interleaved, 8 << 10),
            (Mode::SingleStream, 4 << 10),
        ] {
            let options = EncodeOptions::new().mode(mode).segment_len(16 << 10);
            let coded = Coded::new(&raw.bytes[..len], block_len, &options)?;
            println!("| {mode} | {} | {} |", block_len >> 10, speed(len, self.kernel(&self.gpu, &coded)?));
        }
        println!();
        Ok(())
    }

    /// Raw bytes that are on the device, to blocks: on the host, and where they stay on the device.
    fn encoding(&self) -> Outcome<()> {
        let raw = &samples(self.most)[0];
        println!(
            "## Encoding\n\n{}, segments of 16 KiB, blocks of 1 MiB. From the device to the host, and to the device; host's clock, with every wait of the host for the device.\n",
            raw.name
        );
        println!("| MiB | to the host | to the device | one CPU thread, from its memory |\n|---:|---:|---:|---:|");
        let options = EncodeOptions::new().mode(Mode::Lanes).segment_len(16 << 10);
        for len in sizes(self.most) {
            let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
            let buffer = |size| {
                let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
                self.gpu.device().create_buffer(&descriptor)
            };
            let (there, out) = (buffer(len as u64), buffer((len + len / 8) as u64));
            self.gpu.queue().write_buffer(&there, 0, &raw.bytes[..len]);
            let pieces: Vec<_> = (0..len as u64).step_by(MIB).map(|at| at..(at + MIB as u64).min(len as u64)).collect();
            let mut encoder = Encoder::new(&self.gpu, &options)?;
            let timed = |work: &mut dyn FnMut() -> Outcome<()>| {
                let begun = Instant::now();
                work()?;
                Ok(begun.elapsed().as_secs_f64())
            };
            let to_host = self.median(|| {
                timed(&mut || {
                    encoder.encode(&there, &pieces)?;
                    Ok(())
                })
            })?;
            let to_device = self.median(|| {
                timed(&mut || {
                    encoder.encode_to(&there, &pieces, &out, 0)?;
                    Ok(())
                })
            })?;
            let on_cpu = self.median(|| timed(&mut || Coded::new(&raw.bytes[..len], MIB, &options).map(drop)))?;
            let speeds = [to_host, to_device, on_cpu].map(|seconds| speed(len, seconds)).join(" | ");
            println!("| {} | {speeds} |", len / MIB);
        }
        println!();
        Ok(())
    }

    /// The ways side by side, by data.
    fn samples(&self) -> Outcome<()> {
        let len = self.most.min(64 * MIB);
        println!("## By data\n\n{} MiB each, segments of 16 KiB, blocks of 256 KiB.\n", len / MIB);
        println!(
            "| data | size % | kernel | host to host, copied | mapped | one CPU thread | {} threads |\n|---|---:|---:|---:|---:|---:|---:|",
            threads()
        );
        for sample in samples(len) {
            let coded =
                Coded::new(&sample.bytes[..len], 256 << 10, &EncodeOptions::new().level(0).segment_len(16 << 10))?;
            let times = [
                self.kernel(&self.gpu, &coded)?,
                self.copied(&self.gpu, &coded)?,
                self.mapped(&self.gpu, &coded)?,
                self.cpu(&coded, 1)?,
                self.cpu(&coded, threads())?,
            ];
            let speeds = times.map(|seconds| speed(len, seconds)).join(" | ");
            println!("| {} | {:.2} | {speeds} |", sample.name, size(&coded));
        }
        Ok(())
    }

    /// Seconds on the device to decode what is there to where it stays.
    fn kernel(&self, gpu: &Gpu, coded: &Coded) -> Outcome<f64> {
        let resident = ResidentBlocks::upload(gpu, &coded.parsed()?)?;
        let out = gpu.device().create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: resident.buffer_len(),
            usage: BufferUsages::STORAGE,
            mapped_at_creation: false,
        });
        let once = || -> Outcome<f64> {
            let mut ticket = None;
            let seconds = self.timer.seconds(gpu, |encoder, clock| {
                ticket = Some(match clock {
                    Some(clock) => resident.record_decode_timed(encoder, &out, 0, clock, 0)?,
                    None => resident.record_decode(encoder, &out, 0)?,
                });
                Ok(())
            })?;
            let failed = ticket.ok_or("nothing was recorded")?.failed_segments()?;
            if failed.is_empty() { Ok(seconds) } else { Err(format!("{} segments failed", failed.len()).into()) }
        };
        self.median(once)
    }

    /// Seconds from the host's memory to the host's memory.
    fn copied(&self, gpu: &Gpu, coded: &Coded) -> Outcome<f64> {
        let (blocks, mut out) = (coded.parsed()?, vec![0; coded.raw_len]);
        let mut decoder = Decoder::new(gpu);
        let returned = gpu.tally().returned;
        let seconds = self.median(|| {
            let begun = Instant::now();
            decoder.decode_into(&blocks, &mut out)?;
            Ok(begun.elapsed().as_secs_f64())
        })?;
        all_on_the_device(gpu, returned)?;
        Ok(seconds)
    }

    /// Seconds from the host's memory to memory that the host sees.
    fn mapped(&self, gpu: &Gpu, coded: &Coded) -> Outcome<f64> {
        let blocks = coded.parsed()?;
        let returned = gpu.tally().returned;
        let mut pipeline = Pipeline::new(gpu);
        let seconds = self.median(|| {
            let begun = Instant::now();
            let mut rest = &blocks[..];
            loop {
                rest = &rest[pipeline.push(rest)..];
                let Some(batch) = pipeline.pop() else { break };
                for raw in batch.iter() {
                    // One byte of each, so that it is there.
                    std::hint::black_box(raw?.first());
                }
            }
            Ok(begun.elapsed().as_secs_f64())
        })?;
        all_on_the_device(gpu, returned)?;
        Ok(seconds)
    }

    /// Seconds for `threads` that share the blocks.
    fn cpu(&self, coded: &Coded, threads: usize) -> Outcome<f64> {
        let mut out = vec![0; coded.raw_len];
        self.median(|| {
            let mut shares: Vec<Vec<(&[u8], &mut [u8])>> = (0..threads).map(|_| Vec::new()).collect();
            let mut rest = &mut out[..];
            for (index, block) in coded.blocks.iter().enumerate() {
                let (raw, behind) = rest.split_at_mut(block::raw_len(block)?);
                shares[index % threads].push((block, raw));
                rest = behind;
            }
            let begun = Instant::now();
            thread::scope(|scope| {
                let decode = |share: Vec<(&[u8], &mut [u8])>| {
                    share.into_iter().try_for_each(|(block, raw)| block::decode(block, raw).map(|_| ()))
                };
                let workers: Vec<_> = shares.into_iter().map(|share| scope.spawn(move || decode(share))).collect();
                workers.into_iter().try_for_each(|worker| worker.join().unwrap_or(Ok(())))
            })?;
            Ok(begun.elapsed().as_secs_f64())
        })
    }

    /// The median of the rounds, after one that does not count.
    fn median(&self, mut once: impl FnMut() -> Outcome<f64>) -> Outcome<f64> {
        once()?;
        let mut seconds = (0..self.rounds).map(|_| once()).collect::<Outcome<Vec<_>>>()?;
        seconds.sort_by(f64::total_cmp);
        Ok(seconds[seconds.len() / 2])
    }
}

/// A figure of the device that the CPU had a part in would be none.
fn all_on_the_device(gpu: &Gpu, returned: u64) -> Outcome<()> {
    match (gpu.lost(), gpu.tally().returned - returned) {
        (Some(reason), _) => Err(reason.into()),
        (None, 0) => Ok(()),
        (None, blocks) => Err(format!("{blocks} blocks were left to the CPU").into()),
    }
}

/// 1 MiB and four times as many, up to `most`.
fn sizes(most: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(MIB), |len| Some(4 * len)).take_while(move |&len| len < most).chain([most])
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Three digits, which is what times are good for.
fn speed(len: usize, seconds: f64) -> String {
    figure(len as f64 / seconds.max(1e-9) / 1e9)
}

fn figure(number: f64) -> String {
    let whole = number.abs().max(1e-4).log10().floor() as i32;
    format!("{number:.*}", usize::try_from(2 - whole).unwrap_or(0))
}

fn size(coded: &Coded) -> f64 {
    100.0 * coded.coded_len as f64 / coded.raw_len as f64
}
