import { check, concat, equal, failure, modes, sameBytes, sample } from "../check.mjs";

const NO_DEVICE = "skipped: there is no WebGPU here";

let asked;

/** One device for all cases; `undefined`: there is none. */
async function device(api) {
  asked ??= (async () => {
    const adapter = await globalThis.navigator?.gpu?.requestAdapter();
    if (!adapter) return undefined;
    const device = await adapter.requestDevice(api.deviceFor(adapter));
    device.addEventListener("uncapturederror", ({ error }) => console.error(error.message));
    return device;
  })();
  return asked;
}

/** The raw bytes, by the ranges. */
async function read(device, { buffer, ranges }) {
  const back = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, back, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await back.mapAsync(GPUMapMode.READ);
  const all = new Uint8Array(back.getMappedRange());
  const raw = concat(ranges.map(({ offset, length }) => all.slice(offset, offset + length)));
  back.destroy();
  return raw;
}

const raw = concat([sample(40_000), new Uint8Array(10_001).fill(9), sample(11_000, 4)]);

export const gpu = [
  [
    "GPU: every form decodes every mode to a buffer",
    async ({ api }) => {
      const on = await device(api);
      if (!on) return NO_DEVICE;
      for (const form of ["ballot", "merged", "workgroup"]) {
        // Those of the last two rows are the processor's.
        for (const [options, coded] of [
          [{ level: 0, segmentLen: 1024 }, ["lanes"]],
          [{ level: 0, segmentLen: 16 << 10, blockLen: 20_000 }, ["lanes"]],
          [{ level: 0, blockLen: 201 }, ["fill", "single-compact"]],
          [{ level: 0, blockLen: 3001 }, ["fill", "interleaved-compact"]],
          [{ mode: "stored" }, ["stored"]],
          [{ level: 3, blockLen: 20_000 }, ["lz"]],
          [{ mode: "pivot" }, ["pivot"]],
        ]) {
          const stream = await api.compress(raw, options);
          equal((await modes(api, stream)).filter((mode) => coded.includes(mode)), coded, JSON.stringify(options));
          const decoded = await api.decodeToBuffer(on, stream, { form });
          const what = `${form} with ${JSON.stringify(options)}`;
          equal(decoded.form, form, what);
          sameBytes(await read(on, decoded), raw, what);
          if ((options.blockLen ?? 4) % 4 === 0) equal(decoded.ranges.length, 1, `ranges, ${what}`);
          decoded.buffer.destroy();
        }
      }
      return `subgroups of ${on.adapterInfo?.subgroupMinSize} to ${on.adapterInfo?.subgroupMaxSize}`;
    },
  ],
  [
    "GPU: several batches, several streams, nothing, ranges",
    async ({ api }) => {
      const on = await device(api);
      if (!on) return NO_DEVICE;
      const streams = [await api.compress(raw, { level: 0, blockLen: 10_001 }), await api.compress(raw.subarray(0, 7)), await api.compress(new Uint8Array())];
      const decoded = await api.decodeToBuffer(on, new Blob(streams), { batchLen: 12_000 });
      const whole = concat([raw, raw.subarray(0, 7)]);
      sameBytes(await read(on, decoded), whole);
      let before = 0;
      for (const { offset, rawOffset, length } of decoded.ranges) {
        equal([offset % 4, rawOffset], [0, before]);
        before += length;
      }
      equal(before, whole.length);
      equal((await api.decodeToBuffer(on, streams[2])).ranges, []);
    },
  ],
  [
    "GPU: damage is the error that it is elsewhere",
    async ({ api }) => {
      const on = await device(api);
      if (!on) return NO_DEVICE;
      const stream = await api.compress(raw, { level: 0, blockLen: 10_000, segmentLen: 2048 });
      for (let at = 11; at < stream.length; at += 1973) {
        const bad = stream.slice();
        bad[at] ^= 16;
        const expected = await failure(api.decompress(bad));
        const found = await failure(api.decodeToBuffer(on, bad), `byte ${at}`);
        equal([found.code, found.offset, found.block, found.message], [expected.code, expected.offset, expected.block, expected.message], `byte ${at}`);
      }
      equal((await failure(api.decodeToBuffer(on, stream.subarray(0, 2000)))).code, "truncated");
    },
  ],
  [
    "GPU: a device that is too small leaves it to the processor",
    async ({ api }) => {
      if (!(await device(api))) return NO_DEVICE;
      const adapter = await navigator.gpu.requestAdapter();
      const small = await adapter.requestDevice();
      check(small.limits.maxComputeWorkgroupStorageSize < 18_536, "the default limits are larger than they were");
      const decoded = await api.decodeToBuffer(small, await api.compress(raw, { level: 0, blockLen: 10_001 }));
      equal(decoded.form, undefined);
      sameBytes(await read(small, decoded), raw);
      small.destroy();
    },
  ],
  [
    "GPU: a shader that makes mistakes is found out",
    async ({ api }) => {
      if (!(await device(api))) return NO_DEVICE;
      const adapter = await navigator.gpu.requestAdapter();
      const wrong = await adapter.requestDevice(api.deviceFor(adapter));
      const { createShaderModule } = wrong;
      let changed = false;
      wrong.createShaderModule = ({ code }) => {
        // As a compiler did that took an array's zeroes for granted: bytes are wrong, verdicts
        // good.
        const broken = code.replaceAll(/raw\[([^\]]+)\] = ([^;]+);/g, "raw[$1] = 1u + ($2);");
        changed = broken !== code;
        return createShaderModule.call(wrong, { code: broken });
      };
      const decoded = await api.decodeToBuffer(wrong, await api.compress(raw, { level: 0 }));
      check(changed, "the shader has other stores now: this test needs others, too");
      equal(decoded.form, undefined);
      sameBytes(await read(wrong, decoded), raw);
      wrong.destroy();
    },
  ],
];
