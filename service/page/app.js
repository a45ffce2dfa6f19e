// The page at "/": ask, read the answer, open each citation in its passage. Text that comes from
// documents or a model only ever reaches the page as text nodes. Addresses are relative, so that
// the page also works below a prefix.

import { byId, element, fetchJson, place } from "./parts.js";
import { closePassage, openPassage } from "./passage.js";

const POLL_MS = 1000;
const DEMO_FILE = "lockhouse-manual.pdf";
const DEMO_QUESTIONS = [
  "After I apply a new configuration to a Lockhouse gateway, how long do I have to confirm it?",
  "How many unused holiday days may I take into next year under the current leave rules?",
  "Where do we gather if the fire alarm goes off at the Haarnvik station?",
];
const GROUNDINGS = {
  model: "The model’s words, checked against the sentences marked in them.",
  quoted: "The documents’ own words: the passages did not bear out what the model wrote.",
  none: "No answer found. Below is what was looked at.",
};

const box = byId("question");

let asking = new AbortController();

function wait(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function seconds(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 10000 ? 1 : 0)} s`;
}

// Waiting until index and model are loaded

async function untilReady() {
  for (;;) {
    const response = await fetch("health/ready").catch(() => null);
    const body = await response?.json().catch(() => null);
    if (response?.ok) return;
    showState(waitingWords(body), true);
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

async function welcome() {
  const { documents } = await fetchJson("v1/documents");
  const count = documents.length === 1 ? "1 document" : `${documents.length} documents`;
  showState(count);
  const demo = documents.some(({ path }) => path.split("/").pop() === DEMO_FILE);
  byId("hint").textContent = demo
    ? `It has read ${count} of Kelderwyn Hydrometrics, the demo company. Try one of these:`
    : `It has read ${count}. Ask about anything that is written in them.`;
  if (demo) byId("examples").replaceChildren(...DEMO_QUESTIONS.map(example));
}

function example(question) {
  const button = element("button", "", question);
  button.addEventListener("click", () => {
    box.value = question;
    boxChanged();
    box.focus();
    ask(question);
  });
  return element("li", "", button);
}

// Asking

async function ask(question) {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  closePassage();
  byId("welcome").hidden = true;
  show("progress", "Your question is asked as soon as the model is loaded…");
  try {
    await ready;
    if (signal.aborted) return;
    show("progress", "Reading the documents…");
    const answer = await fetchJson("v1/answer", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ question }),
      signal,
    });
    if (!signal.aborted) showAnswer(answer);
  } catch (error) {
    if (signal.aborted) return;
    byId("problem-detail").textContent = error.message;
    show("problem");
  }
}

function show(part, words) {
  for (const id of ["progress", "problem", "answer"]) byId(id).hidden = id !== part;
  byId("facts").hidden = part !== "answer";
  byId("live").setAttribute("aria-busy", String(part === "progress"));
  if (part !== "answer") byId("sources").replaceChildren();
  if (words) byId(part).textContent = words;
}

function showAnswer(answer) {
  const { citations } = answer;
  const { parts, marked } = withMarks(answer.answer, citations);
  byId("answer-text").replaceChildren(...parts);
  byId("grounding").textContent = citations.length
    ? GROUNDINGS[answer.grounding]
    : "No answer found: nothing in the documents came near the question.";
  byId("grounding").dataset.grounding = answer.grounding;
  const first = citations.filter(({ n }) => marked.has(n));
  const others = citations.filter(({ n }) => !marked.has(n));
  byId("sources").replaceChildren(
    ...group("Sources", first),
    ...group(answer.abstained ? "What was looked at" : "Also looked at", others),
  );
  byId("facts").textContent = factsOf(answer);
  show("answer");
  if (matchMedia("(pointer: coarse)").matches) box.blur();
}

function withMarks(text, citations) {
  const byNumber = new Map(citations.map((citation) => [citation.n, citation]));
  const marked = new Set();
  const parts = text.split(/(\[\d+\])/).map((part) => {
    const citation = byNumber.get(Number(/^\[(\d+)\]$/.exec(part)?.[1]));
    if (!citation) return part;
    marked.add(citation.n);
    const button = element("button", "mark", String(citation.n));
    button.setAttribute("aria-label", `Source ${citation.n}: ${citation.title}`);
    button.addEventListener("click", () => openPassage(citation, button));
    return button;
  });
  return { parts, marked };
}

function group(title, citations) {
  if (!citations.length) return [];
  return [
    element("h2", "group", title),
    element("ol", "cards", ...citations.map(card)),
  ];
}

function card(citation) {
  const button = element("button", "card-title", citation.title);
  button.addEventListener("click", () => openPassage(citation, button));
  const number = element("span", "number", String(citation.n));
  const where = element("p", "quiet", place(citation));
  const heading = element("h3", "", number, button);
  const item = element("li", "card", heading, where, element("blockquote", "", citation.quote));
  item.dataset.n = citation.n;
  return item;
}

function factsOf({ model, timings_ms: spent, usage, abstained }) {
  const search = spent.embed + spent.search + spent.rerank;
  const tokens = usage.prompt_tokens + usage.completion_tokens;
  const facts = [`${seconds(spent.total)} in all`, `${seconds(search)} searching`];
  if (abstained && !tokens) facts.push(`${model} was not asked`);
  else facts.push(`${seconds(spent.llm)} in ${model}`);
  if (tokens) facts.push(`${tokens} tokens`);
  return facts.join(" · ");
}

// Keys, the form, and the start

function boxChanged() {
  byId("send").disabled = box.value.trim() === "";
}

box.addEventListener("input", boxChanged);
box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId("ask").requestSubmit();
});
byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const question = box.value.trim();
  if (question) ask(question);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closePassage();
  const typing = event.target.closest("input, textarea");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  closePassage();
  box.focus();
  box.select();
});

const ready = untilReady();
boxChanged();
ready.then(welcome).catch((error) => showState(error.message));
