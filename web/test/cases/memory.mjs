import { check, equal, sample } from "../check.mjs";

const LEN = 100 << 20;

/** The memory of every instance there is. */
const memories = [];
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (...given) => {
  const made = await instantiate.apply(WebAssembly, given);
  const { memory } = (made.instance ?? made).exports;
  if (memory) memories.push(new WeakRef(memory));
  return made;
};
const most = () => Math.max(0, ...memories.map((memory) => memory.deref()?.buffer.byteLength ?? 0));

export const memory = [
  [
    "100 MB go through with flat memory",
    async ({ api, isNode, resident }) => {
      const piece = sample(1 << 20, 11);
      let made = 0;
      let held = 0;
      let peak = 0;
      let before = 0;
      const source = new ReadableStream(
        {
          pull(controller) {
            if (made >= LEN) return controller.close();
            piece[0] = made >>> 20;
            controller.enqueue(piece.slice());
            made += piece.length;
          },
        },
        { highWaterMark: 0 },
      );
      const reader = source.pipeThrough(new api.RansEncoderStream()).pipeThrough(new api.RansDecoderStream()).getReader();
      let read = 0;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        if (read % piece.length === 0) equal(value[0], (read >>> 20) & 255, `byte ${read}`);
        held = Math.max(held, made - read);
        read += value.length;
        if (isNode) {
          if (read > 20 << 20 && before === 0) before = resident();
          peak = Math.max(peak, resident());
        }
      }
      equal(read, LEN, "raw bytes");
      check(held <= 6 << 20, `${held} raw bytes were on their way at a time`);
      check(most() > 0 && most() <= 48 << 20, `an instance had ${most()} bytes`);
      if (isNode) check(peak - before < 80 << 20, `memory grew from ${before} to ${peak} bytes`);
      return `at most ${(held / 2 ** 20).toFixed(1)} MiB on their way, ${(most() / 2 ** 20).toFixed(1)} MiB an instance`;
    },
  ],
];
