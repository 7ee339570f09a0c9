// What the package promises. Each case runs in Node and in a browser; `context` has the package,
// the address of the test server, and whether this is Node.
import { answers } from "./cases/answers.mjs";
import { buffers } from "./cases/buffers.mjs";
import { files } from "./cases/files.mjs";
import { gpu } from "./cases/gpu.mjs";
import { memory } from "./cases/memory.mjs";
import { streams } from "./cases/streams.mjs";
import { workers } from "./cases/workers.mjs";

export const cases = [...buffers, ...streams, ...files, ...workers, ...gpu, ...memory, ...answers];

/** Runs what `filter` is part of the name of; what failed comes back. */
export async function runAll(context, filter, log) {
  const failed = [];
  let run = 0;
  for (const [name, test] of cases) {
    if (!name.includes(filter)) continue;
    const start = performance.now();
    run += 1;
    try {
      const note = await test(context);
      log(`ok ${name}${note ? `: ${note}` : ""} (${Math.round(performance.now() - start)} ms)`);
    } catch (error) {
      failed.push(name);
      log(`FAILED ${name}: ${error?.stack ?? error}`);
    }
  }
  log(`${run - failed.length} of ${run} passed`);
  if (run === 0) failed.push("no case has this name");
  return failed;
}
