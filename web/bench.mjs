// Coding in Node beside the native command on its portable kernel, on one core:
// `taskset -c 1 node web/bench.mjs RANS FILE...`, where RANS is the command, built for release.
// Prints Markdown. All times are the processor's, user and system, in turn in one run; medians.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { basename, join } from "node:path";
import * as api from "./dist/ranstream.js";

const ROUNDS = 5;

/**
 * Raw bytes that a figure is taken over: long against the hundredths of a second in which children
 * are counted.
 */
const DECODED_LEN = 128 << 20;
const ENCODED_LEN = 32 << 20;

const MODES = [
  ["lanes", { level: 0 }, ["-0"]],
  ["pivot", { mode: "pivot" }, ["--mode=pivot"]],
  ["level 3", { level: 3 }, ["-3"]],
];

const [rans, ...files] = process.argv.slice(2);
if (files.length === 0) throw new Error("usage: bench.mjs RANS FILE...");

/** Seconds of the processor that children have taken which ended. */
function childSeconds() {
  // Fields 16 and 17, in hundredths; the name, field 2, may have blanks.
  const behindName = readFileSync("/proc/self/stat", "utf8").replace(/.*\) /, "").split(" ");
  return (Number(behindName[13]) + Number(behindName[14])) / 100;
}

function native(args) {
  const before = childSeconds();
  const env = { ...process.env, RANS_KERNEL: "portable" };
  const { status, stderr } = spawnSync(rans, ["-c", "-T1", ...args], { env, stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0) throw new Error(`${stderr}`);
  return childSeconds() - before;
}

async function inNode(times, work) {
  const before = process.cpuUsage();
  for (let time = 0; time < times; time += 1) await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];

async function row(name, rawLen, times, ways) {
  const seconds = ways.map(() => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [way, run] of ways.entries()) seconds[way].push(await run());
  }
  const [node, portable] = seconds.map((all) => (times * rawLen) / median(all) / 1e6);
  console.log(`| ${name} | ${node.toFixed(0)} | ${portable.toFixed(0)} | ${(node / portable).toFixed(2)} |`);
}

const folder = mkdtempSync(join(tmpdir(), "ranstream-bench-"));
const coded = join(folder, "coded.rans");
const version = execFileSync(rans, ["--version"]).toString().split("\n")[0];
console.log(`${cpus()[0].model}, Node ${process.version}, ${version}; MB/s of raw bytes.\n`);
console.log("| | Node | native, portable | ratio |\n|---|---:|---:|---:|");
try {
  for (const file of files) {
    const raw = new Uint8Array(readFileSync(file));
    for (const [mode, options, flags] of MODES) {
      const stream = await api.compress(raw, options);
      writeFileSync(coded, stream);
      const name = `${mode}: ${basename(file)}`;
      const decodings = Math.ceil(DECODED_LEN / raw.length);
      await row(`decode ${name}`, raw.length, decodings, [
        () => inNode(decodings, () => api.decompress(stream)),
        () => native(["-d", ...Array(decodings).fill(coded)]),
      ]);
      const encodings = Math.ceil(ENCODED_LEN / raw.length);
      await row(`encode ${name}`, raw.length, encodings, [
        () => inNode(encodings, () => api.compress(raw, options)),
        () => native([...flags, ...Array(encodings).fill(file)]),
      ]);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
