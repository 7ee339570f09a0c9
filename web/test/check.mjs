// The few assertions that the tests need, in Node and in browsers.

export function check(condition, message) {
  if (!condition) throw new Error(message);
}

export function equal(found, expected, what = "value") {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  check(a === b, `${what} is ${a}, expected ${b}`);
}

export function sameBytes(found, expected, what = "bytes") {
  check(found.length === expected.length, `${what}: ${found.length} bytes, expected ${expected.length}`);
  for (let at = 0; at < found.length; at += 1) {
    if (found[at] !== expected[at]) throw new Error(`${what}: byte ${at} is ${found[at]}, expected ${expected[at]}`);
  }
}

/** The error of something that has to fail. */
export async function failure(promise, what = "promise") {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`${what} did not fail`);
}

/** Bytes that come back from a stream, and its error. */
export async function drain(readable) {
  const [good, reader] = [[], readable.getReader()];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { good: concat(good), error: undefined };
      good.push(value);
    }
  } catch (error) {
    return { good: concat(good), error };
  }
}

/** The modes of a stream's blocks, each once. */
export async function modes(api, stream) {
  const found = new Set();
  for await (const block of api.blocks(stream)) found.add(block.mode);
  return [...found].sort();
}

export function concat(pieces) {
  const whole = new Uint8Array(pieces.reduce((len, piece) => len + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** A stream of `bytes` in chunks of `len`; how many were asked for stands in `chunks.count`. */
export function inChunks(bytes, len, chunks = { count: 0, cancelled: undefined }) {
  let at = 0;
  return new ReadableStream(
    {
      pull(controller) {
        if (at >= bytes.length) return controller.close();
        controller.enqueue(bytes.slice(at, at + len));
        at += len;
        chunks.count += 1;
      },
      cancel(reason) {
        chunks.cancelled = { reason };
      },
    },
    { highWaterMark: 0 },
  );
}

/** Text-like bytes, the same every time. */
export function sample(len, seed = 1) {
  const bytes = new Uint8Array(len);
  let state = seed;
  for (let at = 0; at < len; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = 97 + ((state >>> 24) & (state >>> 16) & 31);
  }
  return bytes;
}

export const later = (ms) => new Promise((done) => setTimeout(done, ms));

/** What a promise has come to, without waiting for it. */
export async function isPending(promise) {
  const pending = Symbol("pending");
  await later(20);
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending;
}
