// Ours and jaq in V8, in one run: `node bench/v8/run.mjs target/.../bench.wasm`. Prints MB/s and the ratio, medians of
// rounds in which the two take turns.
import { readFileSync } from "node:fs";

const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), {});
const { prepare, run } = instance.exports;
const programs = [".", "{fruits: map({name, cost: .price}), count: length}",
  "map(select(.price > 3)) | sort_by(.name) | .[:10]", "map(.total = .price * .count | del(.nested))",
  "group_by(.name) | map({name: .[0].name, total: map(.price) | add})"];
const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];

for (const [number, text] of programs.entries()) {
  for (const size of [1_000, 10_000, 100_000, 1_000_000]) {
    const rates = [[], []];
    const times = Math.max(1, Math.round(300_000 / size));
    for (let round = 0; round < 15; round++) {
      for (const engine of [0, 1]) {
        const bytes = prepare(engine, number, size);
        run(times);
        const start = process.cpuUsage();
        run(times);
        const used = process.cpuUsage(start);
        rates[engine].push((bytes * times) / (used.user + used.system));
      }
    }
    const [ours, jaq] = rates.map(median);
    console.log(`${String(size).padStart(8)}  ours ${ours.toFixed(0).padStart(5)} MB/s  jaq ${jaq.toFixed(0).padStart(4)} MB/s  x${(ours / jaq).toFixed(1).padStart(5)}  ${text}`);
  }
}
