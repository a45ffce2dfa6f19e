// A turn of the conversation: the question, the answer as it comes, its sources. Text that comes
// from documents or a model only ever reaches the page as text nodes.

import { feedbackOn } from "./feedback.js";
import { announce, button, counted, element, place } from "./parts.js";
import { openPassage } from "./passage.js";

const GROUNDINGS = {
  model: "The model’s words, checked against the sentences marked in them.",
  quoted: "The documents’ own words: the passages did not bear out what the model wrote.",
  none: "No answer found. Below is what was looked at.",
};
const NOTHING_NEAR = "No answer found: nothing in the documents came near the question.";
const STOPPED = "Stopped before there was an answer.";

let count = 0;

// `again(turn, root)` asks in its place, `save()` keeps what has changed in the turn.
export function turnView(turn, { again, save }) {
  const question = element("h2", "question", turn.question);
  question.id = `turn-${(count += 1)}`;
  question.tabIndex = -1;
  const root = element("article", "turn", question);
  root.setAttribute("aria-labelledby", question.id);
  if (turn.collection) root.append(element("p", "quiet", `in ${turn.collection}`));
  const body = root.appendChild(element("div"));
  let draft = null;

  function show(...parts) {
    const focused = body.contains(document.activeElement);
    body.replaceChildren(...parts);
    if (focused) question.focus(); // what had the focus is gone
  }

  function waiting(words) {
    draft = null;
    root.setAttribute("aria-busy", "true");
    show(element("p", "progress", words));
    announce(words);
  }

  // Candidates stand there before the first word does.
  function found({ citations }) {
    draft = element("p", "answer-text draft");
    draft.hidden = true;
    const note = element("p", "progress", "Reading what was found…");
    show(draft, note, ...group("Found so far", citations, true));
  }

  function wrote({ text }) {
    if (!draft) found({ citations: [] });
    draft.hidden = false;
    draft.append(text);
    draft.nextSibling.textContent = "Not checked against the documents yet…";
  }

  function answered(answer) {
    turn.answer = answer;
    turn.state = "answered";
    settled();
    announce(`${answer.answer} ${root.querySelector(".grounding").textContent}`);
  }

  function stopped() {
    turn.state = "stopped";
    settled();
    announce("Stopped.");
  }

  function failed(words) {
    turn.state = "failed";
    turn.problem = words;
    settled();
    announce(words);
  }

  function settled() {
    root.removeAttribute("aria-busy");
    if (turn.state === "answered") show(...answerParts(turn, save));
    if (turn.state === "stopped") show(element("p", "quiet", STOPPED), retry());
    if (turn.state === "failed") show(notice(turn.problem), retry());
    save();
  }

  function retry() {
    return button("plain", "Ask again", () => again(turn, root));
  }

  if (turn.state !== "asking") settled();
  return { root, waiting, found, wrote, answered, stopped, failed };
}

function notice(words) {
  const box = element("div", "notice");
  box.append(element("p", "notice-title", "That did not work"), element("p", "", words));
  return box;
}

function answerParts(turn, save) {
  const { answer } = turn;
  const { citations } = answer;
  const { parts, marked } = withMarks(answer.answer, citations);
  const grounding = citations.length ? GROUNDINGS[answer.grounding] : NOTHING_NEAR;
  const said = element("p", "grounding", grounding);
  said.dataset.grounding = answer.grounding;
  const first = citations.filter(({ n }) => marked.has(n));
  const others = citations.filter(({ n }) => !marked.has(n));
  const rest = answer.abstained ? "What was looked at" : "Also looked at";
  return [
    element("p", "answer-text", ...parts),
    said,
    element("p", "facts", factsOf(answer)),
    feedbackOn(turn, save),
    ...group("Sources", first, true),
    ...group(rest, others, answer.abstained),
  ];
}

function withMarks(text, citations) {
  const byNumber = new Map(citations.map((citation) => [citation.n, citation]));
  const marked = new Set();
  const parts = text.split(/(\[\d+\])/).map((part) => {
    const citation = byNumber.get(Number(/^\[(\d+)\]$/.exec(part)?.[1]));
    if (!citation) return part;
    marked.add(citation.n);
    const mark = button("mark", String(citation.n), () => openPassage(citation, mark));
    mark.setAttribute("aria-label", `Source ${citation.n}: ${citation.title}`);
    return mark;
  });
  return { parts, marked };
}

function group(title, citations, open) {
  if (!citations.length) return [];
  const number = element("span", "count", String(citations.length));
  const made = element("details", "group", element("summary", "", `${title} `, number));
  made.open = open;
  made.append(element("ol", "cards", ...citations.map(card)));
  return [made];
}

function card(citation) {
  const title = button("card-title", citation.title, () => openPassage(citation, title));
  const number = element("span", "number", String(citation.n));
  const where = element("p", "quiet", place(citation));
  const quote = element("blockquote", "", citation.quote);
  const item = element("li", "card", element("h3", "", number, title), where, quote);
  item.dataset.n = citation.n;
  return item;
}

function factsOf({ model, timings_ms: spent, usage, abstained }) {
  const search = spent.embed + spent.search + spent.rerank;
  const tokens = usage.prompt_tokens + usage.completion_tokens;
  const facts = [`${seconds(spent.total)} in all`, `${seconds(search)} searching`];
  if (abstained && !tokens) facts.push(`${model} was not asked`);
  else facts.push(`${seconds(spent.llm)} in ${model}`);
  if (tokens) facts.push(counted(tokens, "token"));
  return facts.join(" · ");
}

function seconds(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 10000 ? 1 : 0)} s`;
}
