// The table of runs: filtered, sorted and paged here, over rows that come in data files; text is only ever set as text.
"use strict";
const VERDICTS = ["open", "undecided", "blocked"];
const PAGE = 100;
const rows = [];
function auditorRows(more) { for (const row of more) rows.push(row); }

const state = { text: "", today: "", changed: false, column: 1, down: true, page: 0 };
let shown = [];

// A row: id, today, of its time, state, started, framework, worst finding, page. The text that is searched is made once.
function prepared() {
  for (const row of rows) row.push((row[0] + " " + row[5] + " " + row[6] + " " + row[3]).toLowerCase());
}

function select() {
  const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
  const today = state.today === "" ? -1 : Number(state.today);
  shown = rows.filter(row =>
    (today < 0 || row[1] === today) && (!state.changed || row[1] !== row[2]) && words.every(word => row[8].includes(word)));
  const by = state.column, way = state.down ? -1 : 1;
  shown.sort((a, b) => (a[by] < b[by] ? -way : a[by] > b[by] ? way : a[7] < b[7] ? -1 : 1));
  state.page = 0;
  draw();
}

function cell(line, text) {
  const one = document.createElement("td");
  one.textContent = text;
  line.append(one);
  return one;
}

function badge(line, verdict) {
  const mark = document.createElement("span");
  mark.className = "badge " + VERDICTS[verdict];
  mark.textContent = VERDICTS[verdict];
  cell(line, "").append(mark);
}

function draw() {
  const body = document.getElementById("rows");
  const fragment = document.createDocumentFragment();
  for (const row of shown.slice(state.page * PAGE, (state.page + 1) * PAGE)) {
    const line = document.createElement("tr");
    const link = document.createElement("a");
    link.textContent = row[0] || "(without a name)";
    link.href = "runs/" + row[7].slice(0, 2) + "/" + row[7] + ".html";
    cell(line, "").append(link);
    badge(line, row[1]);
    badge(line, row[2]);
    cell(line, row[3]);
    cell(line, row[4].slice(0, 10));
    cell(line, row[5]);
    cell(line, row[6]);
    fragment.append(line);
  }
  body.replaceChildren(fragment);
  const pages = Math.max(1, Math.ceil(shown.length / PAGE));
  document.getElementById("count").textContent =
    shown.length.toLocaleString("en") + " of " + rows.length.toLocaleString("en") + " runs; page " + (state.page + 1) + " of " + pages;
  document.getElementById("previous").disabled = state.page === 0;
  document.getElementById("next").disabled = state.page >= pages - 1;
}

function turn(by) {
  state.page += by;
  draw();
  document.getElementById("runs").scrollIntoView();
}

function sort(heading, column) {
  state.down = state.column === column ? !state.down : column === 1 || column === 2;
  state.column = column;
  for (const other of document.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", state.down ? "descending" : "ascending");
  select();
}

document.addEventListener("DOMContentLoaded", () => {
  prepared();
  let waiting = 0;
  document.getElementById("text").addEventListener("input", event => {
    state.text = event.target.value;
    clearTimeout(waiting);
    waiting = setTimeout(select, 80);
  });
  document.getElementById("today").addEventListener("change", event => { state.today = event.target.value; select(); });
  document.getElementById("changed").addEventListener("change", event => { state.changed = event.target.checked; select(); });
  document.getElementById("previous").addEventListener("click", () => turn(-1));
  document.getElementById("next").addEventListener("click", () => turn(1));
  document.querySelectorAll("th[data-column]").forEach(heading =>
    heading.querySelector("button").addEventListener("click", () => sort(heading, Number(heading.dataset.column))));
  select();
});
