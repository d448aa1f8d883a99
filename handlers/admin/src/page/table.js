// A table whose columns can be sorted by.

import { element } from "./format.js";

export class Table {
  /**
   * `columns`: {key, title, value: row => sortable, cell: row => text or node, kind: "number" | "name" | "mono"};
   * a column without `value` cannot be sorted by. The order is kept in the browser.
   */
  constructor(table, columns, { sort, descending = true, empty, key }) {
    Object.assign(this, { table, columns, empty, key });
    const kept = JSON.parse(localStorage.getItem("vagus." + table.id) ?? "null");
    const known = columns.some((column) => column.key === kept?.sort && column.value);
    this.sort = known ? kept.sort : sort;
    this.descending = known ? kept.descending : descending;
    this.rows = [];
    this.lines = new Map();
    this.body = element("tbody");
    this.heads = columns.map((column) => this.head(column));
    table.replaceChildren(element("thead", {}, element("tr", {}, ...this.heads)), this.body);
    this.mark();
  }

  head(column) {
    const kind = column.kind === "number" ? "number" : undefined;
    const content = column.value
      ? element("button", { type: "button", onclick: () => this.choose(column) }, column.title)
      : column.title;
    return element("th", { scope: "col", class: kind, title: column.hint }, content);
  }

  choose(column) {
    this.descending = this.sort === column.key ? !this.descending : column.kind === "number";
    this.sort = column.key;
    localStorage.setItem("vagus." + this.table.id, JSON.stringify({ sort: this.sort, descending: this.descending }));
    this.mark();
    this.show(this.rows);
    this.onsort?.();
  }

  mark() {
    this.columns.forEach((column, number) => {
      if (column.key === this.sort) {
        this.heads[number].setAttribute("aria-sort", this.descending ? "descending" : "ascending");
      } else this.heads[number].removeAttribute("aria-sort");
    });
  }

  /** Shows these rows. A line that was there stays the same element, so that focus and selection stay too. */
  show(rows) {
    this.rows = rows;
    const column = this.columns.find((column) => column.key === this.sort);
    const sorted = column ? [...rows].sort((a, b) => compare(column.value(a), column.value(b))) : [...rows];
    if (this.descending) sorted.reverse();
    const before = this.lines;
    this.lines = new Map();
    const lines = sorted.map((row) => {
      const key = this.key(row);
      const line = before.get(key) ?? element("tr", {}, ...this.columns.map((column) =>
        element("td", { class: column.kind })));
      this.columns.forEach((column, number) => fill(line.cells[number], column.cell(row, line), column.kind));
      this.lines.set(key, line);
      return line;
    });
    if (lines.length === 0) {
      lines.push(element("tr", {}, element("td", { class: "none", colspan: this.columns.length }, this.empty)));
    }
    // Only what moved is touched: a button that is being pressed stays where it is.
    lines.forEach((line, number) => {
      if (this.body.rows[number] !== line) this.body.insertBefore(line, this.body.rows[number] ?? null);
    });
    while (this.body.rows.length > lines.length) this.body.lastElementChild.remove();
  }
}

function fill(cell, content, kind) {
  if (content instanceof Node) {
    if (cell.firstChild !== content) cell.replaceChildren(content);
  } else {
    const text = content ?? "";
    if (cell.textContent !== text) cell.textContent = text;
    if (kind === "name") cell.title = text;
  }
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a ?? "").localeCompare(String(b ?? ""), "en", { numeric: true });
}
