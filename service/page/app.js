// The page at "/": ask, watch the answer come, and open what it cites. This module holds the
// question's form and the conversation together; each other part has a module of its own.

import { events, fetchJson, fetchOptional } from "./api.js";
import * as history from "./history.js";
import { startLibrary } from "./library.js";
import { saves } from "./links.js";
import { announce, byId, button, counted, element, keep, kept } from "./parts.js";
import { closePassage } from "./passage.js";
import { turnView } from "./turn.js";

const POLL_MS = 1000;
const COLLECTION = "ragfirst-collection";
const DEMO_FILE = "lockhouse-manual.pdf";
const DEMO_QUESTIONS = [
  "After I apply a new configuration to a Lockhouse gateway, how long do I have to confirm it?",
  "How many unused holiday days may I take into next year under the current leave rules?",
  "Where do we gather if the fire alarm goes off at the Haarnvik station?",
];

const box = byId("question");
const collection = byId("collection");

let asking = new AbortController();
let loaded = false;
let empty = false; // there is no index yet

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Waiting until index and model are loaded

async function untilReady() {
  for (;;) {
    const response = await fetch("health/ready").catch(() => null);
    const body = await response?.json().catch(() => null);
    if (response?.ok) return;
    showState(waitingWords(body), true);
    if (!empty && body?.waiting_for?.some((part) => /^index: (?!loading)/.test(part))) {
      empty = true;
      library.start().catch((error) => showState(error.message)); // a first file may make one
    }
    await wait(POLL_MS);
  }
}

function waitingWords(body) {
  if (!body) return "The service cannot be reached; trying again…";
  if (!body.waiting_for) return body.detail ?? "The service is not ready; trying again…";
  const troubles = body.waiting_for.filter((part) => !part.endsWith(": loading"));
  if (troubles.length) return `Not ready: ${troubles.join("; ")}`;
  const parts = body.waiting_for.map((part) => part.split(":")[0]);
  return parts.includes("model") ? "Loading the model…" : `Loading the ${parts.join(" and the ")}…`;
}

function showState(words, busy = false) {
  byId("state").textContent = words;
  byId("state").classList.toggle("busy", busy);
}

// What there is to ask

function showDocuments(documents) {
  const count = counted(documents.length, "document");
  showState(count);
  const demo = documents.some(({ path }) => path.split("/").pop() === DEMO_FILE);
  byId("hint").textContent = demo
    ? `It has read ${count} of Kelderwyn Hydrometrics, the demo company. Try one of these:`
    : `It has read ${count}. Ask about anything that is written in them.`;
  byId("examples").replaceChildren(...(demo ? DEMO_QUESTIONS.map(example) : []));
}

function example(question) {
  return element("li", "", button("", question, () => ask(question, collection.value)));
}

function showCollections(collections) {
  const chosen = kept(COLLECTION) ?? "";
  const options = collections.map(({ name, documents }) => new Option(`${name} (${documents})`, name));
  collection.replaceChildren(new Option("all documents", ""), ...options);
  collection.value = chosen;
  if (collection.selectedIndex < 0) collection.value = "";
  byId("scope").hidden = collections.length < 2 && !collection.value;
  byId("collection-names").replaceChildren(...collections.map(({ name }) => new Option(name)));
}

async function showReport() {
  const report = await fetchOptional("v1/report/status");
  if (!report?.name) return;
  byId("report").title = `${report.name}, ${new Date(report.made).toLocaleDateString()}`;
  byId("report").hidden = false;
}

saves(byId("report"), "report.html", showState);

// The conversation

function ask(question, chosen) {
  stop();
  closePassage();
  const turn = history.begin(question, chosen);
  const view = show(turn);
  conversing(true);
  fold();
  view.root.scrollIntoView({ block: "start" });
  if (matchMedia("(pointer: coarse)").matches) box.blur();
  follow(turn, view);
}

function show(turn) {
  const view = turnView(turn, { again, save: history.save });
  byId("turns").append(view.root);
  return view;
}

function again(turn, root) {
  history.drop(turn);
  root.remove();
  box.focus();
  ask(turn.question, turn.collection);
}

// The sources of all turns but the last.
function fold() {
  const open = ".turn:not(:last-child) details[open]";
  for (const sources of byId("turns").querySelectorAll(open)) sources.open = false;
}

async function follow(turn, view) {
  asking = new AbortController();
  const { signal } = asking;
  busy(true);
  try {
    if (!loaded) view.waiting("Your question is asked as soon as the model is loaded…");
    await ready;
    signal.throwIfAborted();
    view.waiting("Searching the documents…");
    const only = turn.collection ? { collection: turn.collection } : {};
    const body = { question: turn.question, stream: true, ...only };
    for await (const event of events("v1/answer", body, signal)) heard(event, view);
    if (turn.state === "asking") throw new Error("The answer broke off. Ask again.");
  } catch (error) {
    if (turn.state === "answered") return;
    if (signal.aborted) view.stopped();
    else view.failed(error.message);
    if (error.status === 404) look().catch(() => {}); // the collection has gone
  } finally {
    if (signal === asking.signal) busy(false);
  }
}

function heard({ name, data }, view) {
  if (name === "retrieval") view.found(data);
  if (name === "token") view.wrote(data);
  if (name === "grounding") view.answered(data);
  if (name === "error") throw new Error(data.detail);
}

function stop() {
  asking.abort();
}

function busy(asked) {
  byId("stop").hidden = !asked;
  byId("send").hidden = asked;
}

function conversing(begun) {
  byId("welcome").hidden = begun;
  byId("offers").hidden = begun;
  byId("new").hidden = !begun;
  box.placeholder = begun ? "Ask something else" : "";
}

function restore() {
  const views = history.all().map(show);
  if (!views.length) return;
  conversing(true);
  fold();
  views.at(-1).root.scrollIntoView({ block: "start" });
}

byId("new").addEventListener("click", () => {
  stop();
  closePassage();
  history.clear();
  byId("turns").replaceChildren();
  conversing(false);
  announce("A new conversation has begun.");
  box.focus();
});

// Keys, the form, and the start

function boxChanged() {
  byId("send").disabled = box.value.trim() === "";
}

box.addEventListener("input", boxChanged);
box.addEventListener("keydown", (event) => {
  if (event.key === "ArrowUp" && !box.value) {
    event.preventDefault();
    box.value = history.all().at(-1)?.question ?? "";
    boxChanged();
  }
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});

function submit() {
  const question = box.value.trim();
  if (!question) return;
  box.value = "";
  boxChanged();
  ask(question, collection.value);
}

byId("stop").addEventListener("click", () => {
  stop();
  box.focus();
});
collection.addEventListener("change", () => keep(COLLECTION, collection.value));
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || document.querySelector("dialog:modal")) return;
  if (event.key === "Escape") closePassage();
  const typing = event.target.closest("input, textarea, select");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  closePassage();
  box.focus();
  box.select();
});

async function look() {
  const [{ documents }, found] = await Promise.all([
    fetchJson("v1/documents"),
    fetchOptional("v1/collections"),
  ]);
  showDocuments(documents);
  showCollections(found?.collections ?? []);
  return documents;
}

restore();
boxChanged();
const library = startLibrary(look);
const ready = untilReady();
ready
  .then(() => {
    loaded = true;
    return Promise.all([library.start(), library.refresh(), showReport()]);
  })
  .catch((error) => showState(error.message));
