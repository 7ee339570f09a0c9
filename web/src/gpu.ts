import { chunksOf, type Bytes } from "./bytes.js";
import { Codec, Op, Status } from "./codec.js";
import { RansError } from "./error.js";
import { cut, type BlockInfo } from "./inspect.js";
import { decodeNumbers, type DecodeOptions } from "./options.js";

/**
 * How the lanes of a segment tell each other which of them want a word; all give the same bytes.
 */
export type GpuForm = "ballot" | "merged" | "workgroup";

/** How to decode to a buffer. */
export interface GpuOptions extends DecodeOptions {
  /** What the buffer will be used for, beside `STORAGE`, `COPY_SRC` and `COPY_DST`. */
  usage?: GPUBufferUsageFlags;
  /** Raw bytes that are decoded in one go. Default: 64 MiB. */
  batchLen?: number;
  /**
   * Takes this form of the shader, where the device can run it. Default: what fits its subgroups.
   */
  form?: GpuForm;
}

/** Raw bytes of blocks that lie one behind the other. */
export interface GpuRange {
  /** Where in the buffer they begin: a multiple of 4. */
  offset: number;
  /** Raw bytes before them. */
  rawOffset: number;
  /** How many they are. */
  length: number;
}

/** Raw bytes on a device. */
export interface GpuDecoded {
  buffer: GPUBuffer;
  /**
   * Where the raw bytes are, in their order. It is one range if all blocks but the last have a
   * multiple of 4 bytes, which is so unless the stream was flushed at odd places.
   */
  ranges: GpuRange[];
  /** The shader's form; `undefined`: the device could not do it, and the processor did. */
  form: GpuForm | undefined;
}

// In the order of the crate's `Form::ALL`.
const FORMS: readonly GpuForm[] = ["ballot", "merged", "workgroup"];

/** Bytes of workgroup memory, and invocations of a workgroup, that the shader has. */
const WORKGROUP_MEMORY = 18_536;
const INVOCATIONS = 256;

// As WebGPU numbers them, in `GPUBufferUsage` and `GPUMapMode`.
const MAP_READ = 1;
const COPY_SRC = 4;
const COPY_DST = 8;
const STORAGE = 0x80;
const READ = 1;

/** Bytes of a job in the list. */
const JOB_LEN = 144;

/** Every binding begins at a multiple of this. */
const ALIGNMENT = 256;

const DEFAULT_BATCH = 64 << 20;

/** In the status of a job that ran and found nothing wrong. */
const STATUS_DONE = 2 ** 31;

/** A coded block, and where its raw bytes go. */
interface Held {
  info: BlockInfo;
  coded: Uint8Array<ArrayBuffer>;
}

interface Place {
  at: number;
  len: number;
  firstJob: number;
  jobs: number;
}

/** A form that compiled. Modes of which it decoded a block right are trusted. */
interface Kernel {
  form: GpuForm;
  pipeline: GPUComputePipeline;
  trusted: Set<string>;
}

const kernels = new WeakMap<GPUDevice, Map<GpuForm | undefined, Promise<Kernel | undefined>>>();

/**
 * What to ask an adapter for, so that its device can decode:
 * `adapter.requestDevice(deviceFor(adapter))`.
 */
export function deviceFor(adapter: GPUAdapter): GPUDeviceDescriptor {
  const { limits, features } = adapter;
  return {
    requiredFeatures: features.has("subgroups") ? ["subgroups"] : [],
    requiredLimits: {
      maxComputeWorkgroupStorageSize: Math.min(limits.maxComputeWorkgroupStorageSize, 32 << 10),
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    },
  };
}

/**
 * Decodes a stream to a buffer on the device, where the bytes stay. Each block's check is verified
 * here, and that the device decoded it right there; blocks of modes that devices cannot decode, and
 * all blocks where the device cannot do it, are decoded by the processor and copied there. A
 * stream's check over all raw bytes is not computed.
 *
 * All of the coded stream is held in memory until it is decoded.
 *
 * @throws {RansError} what the stream has against it. The buffer is destroyed then.
 */
export async function decodeToBuffer(
  device: GPUDevice,
  input: Bytes | Blob | Response | ReadableStream<Uint8Array>,
  options: GpuOptions = {},
): Promise<GpuDecoded> {
  const most = Math.min(options.batchLen ?? DEFAULT_BATCH, device.limits.maxStorageBufferBindingSize / 2);
  const batches = await inBatches(input, most, options);
  const size = batches.reduce((sum, batch) => sum + roomFor(batch), 0);
  if (size > device.limits.maxBufferSize) {
    throw new RansError("limit-exceeded", `a buffer of ${size} bytes exceeds the device's limit of ${device.limits.maxBufferSize}`);
  }
  const buffer = device.createBuffer({ size: Math.max(size, ALIGNMENT), usage: (options.usage ?? 0) | STORAGE | COPY_SRC | COPY_DST });
  try {
    let kernel = await kernelOf(device, options.form);
    const ranges: GpuRange[] = [];
    let base = 0;
    for (const batch of batches) {
      let places = kernel && (await decodeBatch(device, kernel, batch, buffer, base, options));
      if (!places) {
        kernel = undefined;
        places = await decodeHere(device, batch, buffer, base, options);
      }
      batch.forEach(({ info }, index) => addRange(ranges, base + (places[index]?.at ?? 0), info));
      base += roomFor(batch);
    }
    return { buffer, ranges, form: kernel?.form };
  } catch (error) {
    buffer.destroy();
    throw error;
  }
}

async function inBatches(input: Parameters<typeof chunksOf>[0], most: number, options: GpuOptions): Promise<Held[][]> {
  const batches: Held[][] = [];
  let room = 0;
  for await (const held of cut(input, options)) {
    if (held.info.rawLen === 0) continue;
    const len = aligned(held.info.rawLen, 4);
    if (len > room) {
      batches.push([]);
      room = Math.max(most, len);
    }
    batches[batches.length - 1]?.push(held);
    room -= len;
  }
  return batches;
}

function roomFor(batch: readonly Held[]): number {
  return aligned(batch.reduce((sum, { info }) => sum + aligned(info.rawLen, 4), 0), ALIGNMENT);
}

function aligned(len: number, to: number): number {
  return Math.ceil(len / to) * to;
}

function addRange(ranges: GpuRange[], offset: number, { rawOffset, rawLen }: BlockInfo): void {
  const last = ranges[ranges.length - 1];
  if (last && last.offset + last.length === offset) last.length += rawLen;
  else ranges.push({ offset, rawOffset, length: rawLen });
}

/** The first form that compiles. `undefined`: none does, or the device is too small. */
function kernelOf(device: GPUDevice, asked: GpuForm | undefined): Promise<Kernel | undefined> {
  const known = kernels.get(device) ?? new Map<GpuForm | undefined, Promise<Kernel | undefined>>();
  kernels.set(device, known);
  const kernel = known.get(asked) ?? compile(device, asked);
  known.set(asked, kernel);
  return kernel;
}

async function compile(device: GPUDevice, asked: GpuForm | undefined): Promise<Kernel | undefined> {
  const { limits } = device;
  if (limits.maxComputeWorkgroupStorageSize < WORKGROUP_MEMORY || limits.maxComputeInvocationsPerWorkgroup < INVOCATIONS) return undefined;
  const { subgroupMinSize = 0, subgroupMaxSize = 0 } = device.features.has("subgroups") ? device.adapterInfo : {};
  // A form that subgroups of several sizes vote in is only taken where all are large enough.
  const fit: GpuForm[] = subgroupMinSize >= 32 ? ["ballot", "merged", "workgroup"] : ["merged", "workgroup"];
  for (const form of asked ? [asked] : fit) {
    const code = await shader(form, subgroupMinSize, subgroupMaxSize);
    if (code === undefined) continue;
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ code });
    const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } }).catch(() => undefined);
    const error = await device.popErrorScope();
    if (pipeline && !error) return { form, pipeline, trusted: new Set() };
  }
  return undefined;
}

function shader(form: GpuForm, smallest: number, largest: number): Promise<string | undefined> {
  return Codec.using(
    "gpu",
    (exports) => exports.rans_shader(FORMS.indexOf(form), smallest, largest),
    (codec) => (codec.step(Op.Run) === Status.Ready ? new TextDecoder().decode(codec.take()) : undefined),
  );
}

/** Decodes a batch on the device. `undefined`: the device makes mistakes, and is not to be used. */
async function decodeBatch(
  device: GPUDevice,
  kernel: Kernel,
  batch: readonly Held[],
  buffer: GPUBuffer,
  base: number,
  options: GpuOptions,
): Promise<Place[] | undefined> {
  const staged = await stage(batch);
  const { places, jobs } = staged;
  const jobCount = jobs.byteLength / JOB_LEN;
  // The first block of each mode is compared: a compiler's mistake need not show in what the shader
  // says of itself.
  const samples = batch.flatMap(({ info }, index) => {
    const place = places[index];
    const isFirst = batch.findIndex((other) => other.info.mode === info.mode) === index;
    return place && isFirst && !kernel.trusted.has(info.mode) ? [{ index, mode: info.mode, place }] : [];
  });
  const input = (bytes: Uint8Array<ArrayBuffer>) => {
    const made = device.createBuffer({ size: Math.max(bytes.byteLength, 16), usage: STORAGE | COPY_DST });
    device.queue.writeBuffer(made, 0, bytes);
    return made;
  };
  const buffers = [input(staged.coded), input(jobs), device.createBuffer({ size: 4 * jobCount, usage: STORAGE | COPY_SRC })] as const;
  const [coded, jobList, status] = buffers;
  const sampleLen = samples.reduce((sum, { place }) => sum + aligned(place.len, 4), 0);
  const back = device.createBuffer({ size: 4 * jobCount + sampleLen, usage: COPY_DST | MAP_READ });
  try {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    const bind = (binding: number, of: GPUBuffer, offset = 0, size = of.size) => ({ binding, resource: { buffer: of, offset, size } });
    pass.setPipeline(kernel.pipeline);
    pass.setBindGroup(
      0,
      device.createBindGroup({
        layout: kernel.pipeline.getBindGroupLayout(0),
        entries: [bind(0, coded), bind(1, jobList), bind(2, buffer, base, staged.rawLen), bind(3, status)],
      }),
    );
    const width = Math.min(jobCount, device.limits.maxComputeWorkgroupsPerDimension);
    pass.dispatchWorkgroups(width, Math.ceil(jobCount / width));
    pass.end();
    encoder.copyBufferToBuffer(status, 0, back, 0, 4 * jobCount);
    let at = 4 * jobCount;
    for (const { place } of samples) {
      encoder.copyBufferToBuffer(buffer, base + place.at, back, at, aligned(place.len, 4));
      at += aligned(place.len, 4);
    }
    device.queue.submit([encoder.finish()]);
    await back.mapAsync(READ);
    const mapped = back.getMappedRange();
    const statuses = new Uint32Array(mapped, 0, jobCount);
    at = 4 * jobCount;
    for (const { index, mode, place } of samples) {
      const found = new Uint8Array(mapped, at, place.len);
      const expected = await decodeBlock(batch[index] as Held, options);
      if (!expected.every((byte, at) => byte === found[at])) {
        kernels.get(device)?.set(options.form, Promise.resolve(undefined));
        return undefined;
      }
      kernel.trusted.add(mode);
      at += aligned(place.len, 4);
    }
    for (const [index, { at, firstJob, jobs }] of places.entries()) {
      if (statuses.subarray(firstJob, firstJob + jobs).every((found) => found === STATUS_DONE)) continue;
      // Its bytes, or its error.
      write(device, buffer, base + at, await decodeBlock(batch[index] as Held, options));
    }
    return places;
  } finally {
    for (const made of [...buffers, back]) made.destroy();
  }
}

function stage(batch: readonly Held[]) {
  return Codec.using("gpu", (exports) => exports.rans_batch(), (codec) => {
    for (const { info, coded } of batch) {
      codec.seek(info.number, info.offset);
      codec.feed(coded);
    }
    codec.step(Op.Finish);
    const [codedLen, jobsLen, rawLen] = [codec.number(0), codec.number(1), codec.number(2)];
    const all = codec.take();
    const words = new Uint32Array(all.buffer.slice(codedLen + jobsLen));
    const places: Place[] = [];
    for (let word = 0; word + 3 < words.length; word += 4) {
      const [at = 0, len = 0, firstJob = 0, jobs = 0] = words.subarray(word, word + 4);
      places.push({ at, len, firstJob, jobs });
    }
    return { coded: all.subarray(0, codedLen), jobs: all.subarray(codedLen, codedLen + jobsLen), rawLen, places };
  });
}

async function decodeHere(device: GPUDevice, batch: readonly Held[], buffer: GPUBuffer, base: number, options: GpuOptions): Promise<Place[]> {
  let at = 0;
  const places: Place[] = [];
  for (const held of batch) {
    const raw = await decodeBlock(held, options);
    write(device, buffer, base + at, raw);
    places.push({ at, len: raw.length, firstJob: 0, jobs: 0 });
    at += aligned(raw.length, 4);
  }
  return places;
}

/** A device takes multiples of 4 bytes; what is behind the block is nobody's. */
function write(device: GPUDevice, buffer: GPUBuffer, at: number, raw: Uint8Array<ArrayBuffer>): void {
  let bytes = raw;
  if (raw.length % 4 !== 0) {
    bytes = new Uint8Array(aligned(raw.length, 4));
    bytes.set(raw);
  }
  device.queue.writeBuffer(buffer, at, bytes);
}

async function decodeBlock({ info, coded }: Held, options: DecodeOptions): Promise<Uint8Array<ArrayBuffer>> {
  const numbers = decodeNumbers(options);
  return Codec.using(
    "decode",
    (exports) => exports.rans_block(...numbers),
    (codec) => codec.passBlock(coded, info.number, info.offset),
  );
}
