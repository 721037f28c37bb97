// Ours and jaq in V8, in one run: `node bench/v8/run.mjs bench.wasm`. Prints JSON: for each program and size the rate of both
// in bytes a microsecond, medians of rounds in which they take turns; the microseconds to compile the second program; the
// milliseconds of each hostile program; and by how much the memory grew in the first run of the first two programs.
import { readFileSync } from "node:fs";

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const instance = () => new WebAssembly.Instance(module, {}).exports;
const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];
const cpu = (work) => {
  const start = process.cpuUsage();
  work();
  const used = process.cpuUsage(start);
  return used.user + used.system;
};

const { prepare, run, compile, hostile } = instance();
const sizes = [1_000, 10_000, 100_000, 1_000_000];
const rates = [];
for (let program = 0; program < 5; program++) {
  for (const size of sizes) {
    const both = [[], []];
    const times = Math.max(1, Math.round(300_000 / size));
    for (let round = 0; round < 21; round++) {
      for (const engine of [0, 1]) {
        const bytes = prepare(engine, program, size);
        run(times);
        both[engine].push((bytes * times) / Math.max(1, cpu(() => run(times))));
      }
    }
    rates.push([program, size, ...both.map(median)]);
  }
}

const compiling = [];
for (let round = 0; round < 21; round++) compiling.push(cpu(() => compile(300)) / 300);

const worst = [];
for (let number = 0; ; number++) {
  let outcome;
  const used = cpu(() => (outcome = hostile(number)));
  if (outcome === 2) break;
  worst.push([number, used / 1000, outcome]);
}

const memory = [];
for (const program of [0, 1]) {
  for (const size of sizes) {
    const fresh = instance();
    const body = fresh.prepare(0, program, size);
    const before = fresh.memory.buffer.byteLength;
    fresh.run(1);
    memory.push([program, body, fresh.memory.buffer.byteLength - before]);
  }
}
console.log(JSON.stringify({ rates, compile: median(compiling), worst, memory, node: process.version, v8: process.versions.v8 }));
