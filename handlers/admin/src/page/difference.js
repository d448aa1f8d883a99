// What sets two texts apart, line by line.

/** Longer texts are compared from both ends only: the table would be too large. */
const COMPARED_AT_MOST = 2000;

/** Lines as {kind: "same" | "added" | "removed", text}. */
export function difference(old, now) {
  const before = old.split("\n");
  const after = now.split("\n");
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < before.length - start && end < after.length - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const same = (text) => ({ kind: "same", text });
  return [
    ...before.slice(0, start).map(same),
    ...middle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(same),
  ];
}

function middle(before, after) {
  const removed = (text) => ({ kind: "removed", text });
  const added = (text) => ({ kind: "added", text });
  if (before.length > COMPARED_AT_MOST || after.length > COMPARED_AT_MOST) {
    return [...before.map(removed), ...after.map(added)];
  }
  // How many lines the rests have in common, from each place on.
  const common = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      common[i][j] = before[i] === after[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const lines = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push({ kind: "same", text: before[i] });
      i += 1;
      j += 1;
    } else if (j >= after.length || (i < before.length && common[i + 1][j] >= common[i][j + 1])) {
      lines.push(removed(before[i]));
      i += 1;
    } else {
      lines.push(added(after[j]));
      j += 1;
    }
  }
  return lines;
}

/** Only what changed, and some lines around it; gaps are {kind: "gap"}. */
export function around(lines, context = 2) {
  const near = lines.map((_, at) =>
    lines.slice(Math.max(0, at - context), at + context + 1).some((line) => line.kind !== "same"));
  return lines.flatMap((line, at) => {
    if (near[at]) return [line];
    return at === 0 || near[at - 1] ? [{ kind: "gap", text: "…" }] : [];
  });
}
