// One rule out of a file, and back into it: the rest of the file stays as it is.

const indentOf = line => line.length - line.trimStart().length;

/** The one rule of a file with what stands around it, or why it cannot be shown alone. */
export function takeOut(text) {
  const lines = text.split("\n");
  const head = lines.findIndex(line => /^\s*rules:\s*(#.*)?$/.test(line));
  if (head < 0) return {why: /^\s*rules:/m.test(text) ? "the rules stand in one line" : "the file has no rules"};
  const first = lines.findIndex((line, at) => at > head && /^\s*- /.test(line));
  if (first < 0) return {why: "the file has no rules"};
  const indent = indentOf(lines[first]);
  let end = first + 1;
  while (end < lines.length && (lines[end].trim() === "" || indentOf(lines[end]) > indent)) end += 1;
  if (lines[end]?.slice(indent).startsWith("- ")) return {why: "the file has several rules"};
  while (lines[end - 1].trim() === "") end -= 1;
  const rule = lines.slice(first, end).map(line => line.slice(indent + 2));
  const before = lines.slice(0, first);
  return {frame: {before, indent, after: lines.slice(end)}, rule: rule.join("\n")};
}

/** The file with a rule in its frame. */
export function putIn({before, indent, after}, rule) {
  const space = " ".repeat(indent);
  const lines = rule.split("\n").map((line, at) =>
    at === 0 ? `${space}- ${line}` : line.trim() === "" ? "" : `${space}  ${line}`);
  return [...before, ...lines, ...after].join("\n");
}

/** Where a place of the file is in the rule, both with line and column from one. */
export function placeInRule({before, indent}, {line, column}) {
  return {line: line - before.length, column: column - indent - 2};
}
