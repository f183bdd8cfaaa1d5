// The playground: the stages are read from the answer as they come, each a piece of HTML that the server made and escaped.

import { announce, toast } from "./desk.js";
import { bind } from "./keys.js";

const form = document.getElementById("try-form");
const text = document.getElementById("text");
const stages = document.getElementById("stages");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const ORDER = ["understanding", "context", "escalation", "draft", "developers"];
const APART = 180; // milliseconds between two stages: together they would be one flash
const empty = new Map([...stages.children].map((stage) => [stage.id, stage.querySelector(".try-body").innerHTML]));
let running = null;

function stageOf(name) {
  return document.getElementById(`stage-${name}`);
}

/** Back to what is there before anything was tried. */
function clear() {
  for (const name of ORDER) {
    const stage = stageOf(name);
    const body = stage.querySelector(".try-body");
    if (name === "developers") stage.hidden = true;
    else stage.dataset.waiting = "";
    delete stage.dataset.next;
    if (stages.hasAttribute("data-empty")) body.innerHTML = empty.get(stage.id);
    else body.replaceChildren();
  }
}

function expect(name) {
  for (const stage of stages.children) delete stage.dataset.next;
  if (name) stageOf(name).dataset.next = "";
}

function show(name, html) {
  const stage = stageOf(name);
  stage.hidden = false;
  delete stage.dataset.waiting;
  stage.querySelector(".try-body").innerHTML = html;
  for (const button of stage.querySelectorAll(".try-copy")) button.hidden = false;
  expect(ORDER[ORDER.indexOf(name) + 1]);
}

/** Words of a draft that a model is writing. */
function write({ side, text: words, reset }) {
  const stage = stageOf("draft");
  const body = stage.querySelector(".try-body");
  let part = body.querySelector(`[data-side="${side}"]`);
  if (!part) {
    if ("waiting" in stage.dataset) body.replaceChildren();
    delete stage.dataset.waiting;
    part = document.createElement("p");
    part.className = "said try-text";
    part.dir = "auto";
    part.dataset.side = side;
    body.append(part);
  }
  part.textContent = (reset ? "" : part.textContent) + words;
}

/** What is not right, beside its field; nothing typed is touched. */
function tell(wrong) {
  for (const place of form.querySelectorAll(".wrong")) place.textContent = "";
  for (const field of form.elements) field.removeAttribute("aria-invalid");
  for (const one of wrong) {
    const field = form.elements[one.dataset.field];
    document.getElementById(`${one.dataset.field}-wrong`).textContent = one.textContent;
    field.setAttribute("aria-invalid", "true");
  }
  if (wrong.length) form.elements[wrong[0].dataset.field].focus();
}

/** The events of an answer, one after the other. */
async function* eventsOf(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const whole = rest.split("\n\n");
    rest = whole.pop();
    for (const one of whole) {
      const lines = one.split("\n");
      const name = lines.find((line) => line.startsWith("event: "))?.slice(7);
      const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      if (name) yield { name, data };
    }
  }
}

async function run() {
  running?.abort();
  const mine = (running = new AbortController());
  tell([]);
  clear();
  expect(ORDER[0]);
  stages.setAttribute("aria-busy", "true");
  announce(form.dataset.running);
  if (stages.getBoundingClientRect().top > innerHeight / 2) stages.scrollIntoView({ behavior: calm.matches ? "auto" : "smooth" });
  try {
    const headers = { Accept: "text/event-stream", "HX-Request": "true" };
    const answer = await fetch(form.dataset.stream, { method: "POST", body: new URLSearchParams(new FormData(form)), headers, signal: mine.signal });
    if (answer.headers.get("Content-Type")?.startsWith("text/event-stream")) await follow(answer, mine.signal);
    else await refused(answer);
  } catch (error) {
    if (error.name === "AbortError") return;
    toast(document.body.dataset.lost, "bad");
  }
  expect(null);
  stages.removeAttribute("aria-busy");
}

async function follow(answer, signal) {
  let last = 0;
  let finished = false;
  for await (const { name, data } of eventsOf(answer)) {
    if (name === "delta") {
      write(JSON.parse(data));
      continue;
    }
    if (name === "failed") {
      toast(form.dataset.failed, "bad");
      return;
    }
    const wait = calm.matches ? 0 : last + APART - performance.now();
    if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    if (signal.aborted) return;
    last = performance.now();
    show(name, data);
    finished ||= name === "developers";
  }
  if (finished) announce(form.dataset.done);
  else throw new TypeError("the answer ended too early");
}

/** What the server says instead of an answer: fields that are not right, or a message of its own. */
async function refused(answer) {
  const made = document.createElement("template");
  made.innerHTML = await answer.text();
  const wrong = [...made.content.querySelectorAll("[data-field]")];
  if (wrong.length) tell(wrong);
  else document.getElementById("toasts").replaceChildren(made.content);
}

bind({});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});

form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});

document.querySelector(".try-examples").addEventListener("click", (event) => {
  const example = event.target.closest("a");
  if (!example || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  for (const name of ["text", "channel", "visibility", "customer"]) form.elements[name].value = example.dataset[name];
  run();
});

stages.addEventListener("click", async (event) => {
  const button = event.target.closest(".try-copy");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  announce(form.dataset.copied);
  toast(form.dataset.copied);
});

for (const button of stages.querySelectorAll(".try-copy")) button.hidden = false;
