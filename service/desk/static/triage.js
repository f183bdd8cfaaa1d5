// The page of one triage: keys, the editor with what is typed kept, counts, dialogs, and whether anything is newer.

import { announce, toast } from "./desk.js";
import { bind } from "./keys.js";
import { KEPT } from "./kept.js";

const EVERY = 8000; // milliseconds between two questions whether there is a newer draft or message
const root = document.getElementById("triage");
const id = root.dataset.id;
const $ = (selector, within = document) => within.querySelector(selector);
const editor = () => document.getElementById("editor");
const sides = () => [...editor().querySelectorAll(".side")];
const shown = () => sides().find((side) => !side.hidden);
const area = () => $("textarea", shown());
const before = new Map(); // by side, what was typed before a new draft came

// What is typed is kept in this browser until it is accepted

const key = (side) => `${KEPT}${id}.${side}`;
const save = (side, text) => { try { localStorage.setItem(key(side), JSON.stringify({ text, at: Date.now() })); } catch { /* full or off */ } };
const forget = () => sides().forEach((side) => { try { localStorage.removeItem(key(side.dataset.side)); } catch { /* off */ } });
function kept(side) {
  try { return JSON.parse(localStorage.getItem(key(side)))?.text ?? null; } catch { return null; }
}

// The editor

function show(name) {
  for (const side of sides()) {
    side.hidden = side.dataset.side !== name;
    const tab = document.getElementById(`tab-${side.dataset.side}`);
    tab?.setAttribute("aria-selected", String(!side.hidden));
    if (tab) tab.tabIndex = side.hidden ? -1 : 0;
  }
}

function changed(side) {
  const text = $("textarea", side).value;
  const edited = text !== $("textarea", side).defaultValue;
  $(".edited", side).hidden = !edited;
  const plain = (words) => words.replace(/\s+/g, " ").replace(/[’‘]/g, "'").replace(/[“”„«»]/g, '"').replace(/[–—]/g, "-");
  const said = plain(text);
  let left = said;
  for (const line of side.querySelectorAll(".sources li")) {
    const sentence = plain(line.dataset.sentence);
    line.classList.toggle("gone", !said.includes(sentence));
    left = left.replace(sentence, "");
  }
  const yours = $(".yours", side);
  if (yours) yours.hidden = !/\p{L}{2}/u.test(left);
}

let counting = 0;
async function count(side) {
  const mine = ++counting;
  const output = $(".count", side);
  const form = new FormData(side);
  try {
    const answer = await fetch(`/desk/triages/${id}/count`, { method: "POST", body: new URLSearchParams(form) });
    if (!answer.ok || mine !== counting) return;
    const { length, limit, over } = await answer.json();
    const words = editor().dataset.counted.replace("LENGTH", length.toLocaleString(document.documentElement.lang)).replace("LIMIT", limit.toLocaleString(document.documentElement.lang));
    output.textContent = over ? `${words} · ${editor().dataset.over.replace("OVER", over.toLocaleString(document.documentElement.lang))}` : words;
    output.classList.toggle("late", over > 0);
  } catch { /* not reached: counted again at the next letter */ }
}

let timer = 0;
function typed(side) {
  const text = $("textarea", side).value;
  if (text === $("textarea", side).defaultValue) { try { localStorage.removeItem(key(side.dataset.side)); } catch { /* off */ } } else save(side.dataset.side, text);
  changed(side);
  clearTimeout(timer);
  timer = setTimeout(() => count(side), 150);
}

function put(side, text) {
  const field = $("textarea", side);
  before.set(side.dataset.side, field.value);
  field.value = text;
  $("[data-undo]", side).hidden = false;
  typed(side);
}

function insert(text) {
  const field = area();
  const old = field.value;
  const gap = old && field.selectionStart && !/\s$/.test(old.slice(0, field.selectionStart)) ? " " : "";
  before.set(shown().dataset.side, old);
  field.setRangeText(gap + text, field.selectionStart, field.selectionEnd, "end");
  $("[data-undo]", shown()).hidden = false;
  field.focus();
  typed(shown());
}

function start() {
  const first = sides()[0].dataset.side;
  show(sides().some((side) => side.dataset.side === start.side) ? start.side : first);
  for (const side of sides()) {
    const text = kept(side.dataset.side);
    const field = $("textarea", side);
    if (text !== null && text !== field.value) {
      before.set(side.dataset.side, field.value);
      field.value = text;
      $(".restored", side).hidden = false;
      changed(side);
      count(side);
    }
  }
}
start();

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(root.dataset.copied);
  } catch {
    area().select();
    toast(root.dataset.uncopied);
  }
}

document.addEventListener("input", (event) => {
  if (event.target.matches("#editor textarea")) typed(event.target.form);
  if (event.target.id === "macro-search") {
    const wanted = event.target.value.toLowerCase();
    for (const line of document.querySelectorAll(".macro-list li")) line.hidden = !line.textContent.toLowerCase().includes(wanted);
  }
});

document.addEventListener("click", (event) => {
  const hit = (selector) => event.target.closest(selector);
  if (hit(".side-tab")) show(hit(".side-tab").id.slice(4));
  else if (hit("[data-copy]")) copy(area().value);
  else if (hit("[data-revert]")) put(shown(), area().defaultValue);
  else if (hit("[data-undo]")) put(shown(), before.get(shown().dataset.side) ?? area().defaultValue);
  else if (hit("[data-open]")) document.getElementById(hit("[data-open]").dataset.open).showModal();
  else if (hit("[data-shut]")) hit("dialog").close();
  else if (hit("[data-insert]")) { hit("dialog")?.close(); insert(hit("[data-insert]").dataset.insert); }
  else if (hit("[data-use]")) put(shown(), hit("[data-use]").dataset.use);
  else if (hit("[data-anyway]")) { for (const field of editor().querySelectorAll("[name=anyway]")) field.value = "true"; $("#newer").replaceChildren(); $("[data-send]", shown()).click(); }
  else if (hit("[data-passage]")) {
    event.preventDefault();
    for (const passage of document.querySelectorAll(".passage")) {
      const lit = passage.dataset.source === hit("[data-passage]").dataset.passage;
      passage.classList.toggle("lit", lit);
      if (lit) { passage.open = true; passage.scrollIntoView({ block: "nearest" }); $("summary", passage).focus(); }
    }
  }
});

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && event.target.matches("#editor textarea")) {
    event.preventDefault();
    $("[data-send]", event.target.form).click();
  }
  if (event.target.matches(".side-tab") && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
    const other = sides().find((side) => side.hidden);
    if (other) { show(other.dataset.side); document.getElementById(`tab-${other.dataset.side}`).focus(); }
  }
});

bind({
  a: () => $("[data-send]", shown()).click(),
  e: () => area().focus(),
  r: () => document.getElementById("reject").showModal(),
  l: () => document.getElementById("wrong").showModal(),
  y: () => copy(area().value),
  x: () => $("[data-resolve]")?.click(),
  c: () => $(".claim-button")?.click(),
  1: () => show("public"),
  2: () => show("private"),
  t: () => { const menu = $("#editor details.menu"); if (!menu) return false; menu.open = true; $("button", menu).focus(); },
  s: () => $("[data-shorter]")?.click(),
  m: () => document.getElementById("macros").showModal(),
  j: () => location.assign(document.getElementById("next").href),
  n: () => location.assign(document.getElementById("next").href),
  k: () => location.assign(document.getElementById("previous").href),
  p: () => location.assign(document.getElementById("previous").href),
});

// Answers of the service

let sending = null; // the text that is being accepted: copied once it is kept
document.addEventListener("submit", (event) => {
  const side = event.target.closest(".side");
  if (side) sending = $("textarea", side).value;
}, true);

document.addEventListener("htmx:before:swap", () => {
  start.side = shown()?.dataset.side;
  for (const side of sides()) before.set(side.dataset.side, $("textarea", side).value);
});

document.addEventListener("htmx:after:swap", () => {
  const done = document.getElementById("done");
  if (sending !== null && done.dataset.action && done.dataset.action !== "rejected") {
    copy(sending); // only now: what is refused, such as somebody else's, must not be pasted anywhere
    forget();
    for (const side of sides()) { $("textarea", side).defaultValue = $("textarea", side).value; changed(side); $(".restored", side).hidden = true; }
    sending = null;
  }
  for (const dialog of document.querySelectorAll("dialog[open]")) if (done.dataset.action === "rejected") dialog.close();
  const note = $(".note", done);
  if (note && note.textContent !== start.note) {
    start.note = note.textContent;
    announce(note.textContent.trim());
    document.getElementById("onward")?.focus();
  }
  if (editor().dataset.number !== start.number) {
    const first = start.number === undefined;
    start.number = editor().dataset.number;
    if (first) return;
    for (const side of sides()) {
      const typedBefore = before.get(side.dataset.side);
      try { localStorage.removeItem(key(side.dataset.side)); } catch { /* off */ }
      $("[data-undo]", side).hidden = typedBefore === undefined || typedBefore === $("textarea", side).value;
    }
    show(sides().some((side) => side.dataset.side === start.side) ? start.side : sides()[0].dataset.side);
    $("#newer").replaceChildren();
    toast(editor().dataset.redrafted);
  }
});
start.number = editor().dataset.number;
start.note = $("#done .note")?.textContent;

setInterval(async () => {
  if (document.hidden || $("#newer").children.length) return;
  try {
    const answer = await fetch(`/desk/triages/${id}/newer?number=${editor().dataset.number}`, { headers: { Accept: "text/html" } });
    if (answer.status === 200 && !answer.redirected) {
      // The service's own fragment, escaped there as every page is.
      $("#newer").replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
    }
  } catch { /* not reached: asked again */ }
}, EVERY);

// Opened by a key of the queue
const wanted = root.dataset.do;
if (wanted === "edit") area().focus();
if (wanted === "reject") document.getElementById("reject").showModal();
if (wanted === "accept") $("[data-send]", shown()).focus();
