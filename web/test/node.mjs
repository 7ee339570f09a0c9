// Runs the cases in Node: `node test/node.mjs [PART OF A NAME]`.
import * as api from "../dist/ranstream.js";
import { runAll } from "./cases.mjs";
import { startServer } from "./server.mjs";

const server = await startServer();
const context = { api, url: server.url, fetch, isNode: true, resident: () => process.memoryUsage().rss };
const failed = await runAll(context, process.argv[2] ?? "", (line) => console.log(line));
server.close();
server.closeAll();
process.exitCode = failed.length > 0 ? 1 : 0;
