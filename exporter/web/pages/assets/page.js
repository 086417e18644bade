// Keeps an open page up to date. Without it, the page stays as it was loaded and
// says when that was. All parts come from the exporter, made and escaped there.
"use strict";

const patience = 16; // seconds without a word until the page says that it is old
const live = document.getElementById("live");
const old = document.getElementById("old");
const form = document.querySelector("form.search");
const waiting = new Map(); // parts that come while their text is selected, by id
let source = null;
let heard = 0; // when the exporter last said something
let search = location.search;

// skew is how far this browser's clock is behind that of the exporter; a few
// seconds are the time that the page took to load.
let skew = Date.parse(live.querySelector("time").dateTime) - Date.now();
if (Math.abs(skew) < 5000) skew = 0;

// span, ago and lasting say how far from now something is, as moment.go does.
function span(s) {
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${s % 60}s`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)}h ${Math.floor((s % 3600) / 60)}m`;
  return `${Math.floor(s / 86400)} days`;
}

function ago(element) {
  const distance = Date.parse(element.dateTime) - Date.now() - skew;
  const seconds = Math.floor(Math.abs(distance) / 1000);
  if (seconds === 0) return "now";
  return distance < 0 ? `${span(seconds)} ago` : `in ${span(seconds)}`;
}

function lasting(element) {
  const seconds = Math.floor((Date.now() + skew - Date.parse(element.dateTime)) / 1000);
  return seconds < 1 ? "just now" : `for ${span(seconds)}`;
}

function tick(root) {
  for (const element of root.querySelectorAll("time.ago, time.for")) {
    const text = element.className === "for" ? lasting(element) : ago(element);
    if (element.textContent !== text) element.textContent = text;
  }
}

function say(text, alarm) {
  if (live.textContent !== text) live.textContent = text;
  document.body.classList.toggle("old", alarm !== "");
  if (old.textContent !== alarm) old.textContent = alarm;
  old.hidden = alarm === "";
}

function hear() {
  heard = Date.now();
  say("Live updates", "");
}

function lose() {
  const since = new Date(heard || performance.timeOrigin).toLocaleTimeString();
  say(`Not live: nothing from the exporter since ${since}. Trying again.`,
    `This page is old: the exporter has said nothing since ${since}. Its numbers are not shown any more; what is left was true then.`);
}

const focusable = "a, button, input, select, summary, [tabindex]";

// replace puts a new element in the place of the one with its id, and leaves the
// keyboard and the scrolled tables where they are.
function replace(id, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = template.content.firstElementChild;
  const before = document.getElementById(id);
  tick(fresh);
  if (!before) {
    document.getElementById("rows")?.append(fresh);
    return;
  }
  const unfolded = [...before.querySelectorAll("details")].map((e) => e.open);
  fresh.querySelectorAll("details").forEach((e, i) => (e.open = unfolded[i] ?? e.open));
  if (fresh.isEqualNode(before)) return;
  const focused = [...before.querySelectorAll(focusable)].indexOf(document.activeElement);
  const scrolled = [...before.querySelectorAll(".scroll")].map((e) => [e.scrollLeft, e.scrollTop]);
  before.replaceWith(fresh);
  if (focused >= 0) fresh.querySelectorAll(focusable)[focused]?.focus({ preventScroll: true });
  fresh.querySelectorAll(".scroll").forEach((e, i) => {
    if (scrolled[i]) [e.scrollLeft, e.scrollTop] = scrolled[i];
  });
  if (fresh.dataset.title) document.title = `${fresh.dataset.title} · icws_exporter`;
}

// replaceAll replaces parts, but none in which somebody marks text to copy it: that
// one waits.
function replaceAll(fragments) {
  const selection = getSelection(); // asked once: to ask costs a layout of the page
  const marked = selection && !selection.isCollapsed ? selection : null;
  for (const [id, html] of fragments) {
    const element = marked && document.getElementById(id);
    waiting.delete(id);
    if (element && marked.containsNode(element, true)) waiting.set(id, html);
    else replace(id, html);
  }
}

// arrange puts the rows in order, moves only those that are elsewhere, and removes
// those that are not in it.
function arrange(order) {
  const rows = document.getElementById("rows");
  if (!rows) {
    if (order.length > 0) location.reload(); // the first servers have been configured
    return;
  }
  const focused = document.activeElement;
  const wanted = new Set(order);
  for (const row of [...rows.children]) if (!wanted.has(row.id)) row.remove();
  order.forEach((id, i) => {
    const row = document.getElementById(id);
    if (row && rows.children[i] !== row) rows.insertBefore(row, rows.children[i] ?? null);
  });
  if (rows.contains(focused)) focused.focus({ preventScroll: true });
}

function connect() {
  source?.close();
  source = new EventSource(document.body.dataset.stream + search);
  source.addEventListener("ping", hear);
  source.onmessage = (event) => {
    const { fragments = {}, order } = JSON.parse(event.data);
    replaceAll(Object.entries(fragments));
    if (order) arrange(order);
    hear();
  };
  source.onerror = lose;
}

// find shows what the form asks for, without loading the page again.
function find() {
  const query = new URLSearchParams(new FormData(form)).toString();
  search = query ? `?${query}` : "";
  history.replaceState(null, "", location.pathname + search);
  connect();
}

let typing = 0;
form?.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(find, 250);
});
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typing);
  find();
});

setInterval(() => {
  tick(document);
  if (waiting.size > 0) replaceAll([...waiting]);
  if (document.hidden) return;
  if (heard && Date.now() - heard > patience * 1000) lose();
  if (source?.readyState === EventSource.CLOSED) connect();
}, 1000);

// A hidden page needs no stream; a browser opens only six to one exporter.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) source?.close();
  else connect();
});

if (document.body.dataset.stream && !document.hidden) connect();
