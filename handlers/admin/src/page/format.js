// Numbers as people read them, and elements without markup in strings.

const units = ["", "k", "M", "G", "T"];

/** 1234567 as "1.23M". */
export function short(number) {
  if (!Number.isFinite(number)) return "–";
  let at = 0;
  let left = Math.abs(number);
  while (left >= 999.5 && at < units.length - 1) {
    left /= 1000;
    at += 1;
  }
  const digits = left >= 100 || (at === 0 && Number.isInteger(left)) ? 0 : left >= 10 ? 1 : 2;
  return (number < 0 ? "-" : "") + left.toFixed(digits) + units[at];
}

/** Bytes with a unit. */
export function bytes(number) {
  if (!Number.isFinite(number)) return "–";
  const names = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  let left = number;
  while (left >= 1023.5 && at < names.length - 1) {
    left /= 1024;
    at += 1;
  }
  const digits = at === 0 ? 0 : left >= 100 ? 0 : left >= 10 ? 1 : 2;
  return left.toFixed(digits) + " " + names[at];
}

/** Bytes at the side of a chart: round, so without a fraction of zeros. */
export function bytesShortly(number) {
  return bytes(number).replace(/\.0+ /, " ");
}

/** All digits, in groups. */
export function whole(number) {
  return Number.isFinite(number) ? Math.round(number).toLocaleString("en") : "–";
}

/** A number of milliseconds as "2h 3m". */
export function span(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const parts = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
  const first = parts.findIndex(([size]) => seconds >= size);
  if (first < 0) return "0s";
  let left = seconds;
  return parts
    .slice(first, first + 2)
    .map(([size, name]) => {
      const count = Math.floor(left / size);
      left -= count * size;
      return count > 0 ? count + name : "";
    })
    .filter(Boolean)
    .join(" ");
}

/** How long ago a time was, in milliseconds since 1970. */
export const age = (time) => span(Date.now() - time) + " ago";

/** The time of day. */
export function clock(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString("en-GB");
}

/** An element with attributes, listeners (on…) and children; text is never markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** A shape of a picture, with attributes and text. */
export function shape(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

export const byId = (id) => document.getElementById(id);
