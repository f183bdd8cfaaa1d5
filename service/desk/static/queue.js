// The queue: keys that move through it, and a list that is up to date by itself.

import { announce } from "./desk.js";
import { bind } from "./keys.js";

const EVERY = 3000; // milliseconds between two questions whether anything has changed; none is asked while nobody looks
const offline = document.getElementById("offline");
const list = () => document.getElementById("list");
const links = () => [...document.querySelectorAll("#list .row-link")];
let row = null; // id of the row that was chosen last

function chosen() {
  return document.activeElement?.closest?.("#list .row") ?? (row && document.getElementById(row));
}

function move(step) {
  const all = links();
  if (!all.length) return;
  const at = all.indexOf(chosen()?.querySelector(".row-link"));
  const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
  next.focus();
  next.closest(".row").scrollIntoView({ block: "nearest" });
}

function open(action) {
  const link = chosen()?.querySelector(".row-link");
  if (!link) return false;
  const url = new URL(link.href);
  if (action) url.searchParams.set("do", action);
  location.assign(url);
}

bind({
  j: () => move(1),
  k: () => move(-1),
  ArrowDown: () => (chosen() ? move(1) : false),
  ArrowUp: () => (chosen() ? move(-1) : false),
  a: () => open("accept"),
  e: () => open("edit"),
  r: () => open("reject"),
  c: () => chosen()?.querySelector(".claim-button")?.click() ?? false,
  "/": () => {
    document.getElementById("filters").open = true;
    document.querySelector("#filters select").focus();
  },
});

document.addEventListener("focusin", (event) => {
  row = event.target.closest?.("#list .row")?.id ?? row;
});

// Up to date

let before = links().length && Number(list().dataset.total);
let focused = null;

setInterval(() => {
  if (!document.hidden && !document.querySelector("details.menu[open], dialog[open]")) list()?.dispatchEvent(new Event("refresh"));
}, EVERY);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) list()?.dispatchEvent(new Event("refresh"));
});

document.addEventListener("htmx:before:swap", () => {
  focused = document.activeElement?.closest?.("#list .row")?.id ?? null;
});

document.addEventListener("htmx:after:swap", () => {
  const total = Number(list()?.dataset.total);
  if (total !== before) announce(list().dataset.came);
  before = total;
  if (!focused || document.activeElement?.closest?.("#list")) return;
  (document.getElementById(focused)?.querySelector(".row-link") ?? links()[0])?.focus({ preventScroll: true });
});

document.addEventListener("htmx:after:request", (event) => {
  if (event.detail?.ctx?.response) offline.hidden = true;
});
document.addEventListener("htmx:error", (event) => {
  if (event.detail?.ctx && !event.detail.ctx.response) offline.hidden = false;
});
