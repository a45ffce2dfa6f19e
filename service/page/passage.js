// The panel that shows a citation's passage with its quote marked, and the page of the PDF below
// it. Beside the answer where there is room, else a sheet over it.

import { addressOf, fetchJson, PDF, TEXT } from "./api.js";
import { byId, element, place } from "./parts.js";

const panel = byId("panel");
const wide = matchMedia("(min-width: 60rem)");

let opening = new AbortController();
let openedBy = null;
let held = ""; // an object URL, to be let go

export async function openPassage(citation, opener) {
  opening.abort();
  opening = new AbortController();
  const { signal } = opening;
  openedBy = opener;
  select(citation.n, opener.closest(".turn"));
  byId("panel-title").textContent = citation.title;
  byId("panel-place").textContent = place(citation);
  byId("passage").replaceChildren(element("p", "quiet", "Opening the passage…"));
  clear();
  if (!panel.open) showPanel();
  byId("panel-title").focus();
  let chunk;
  try {
    chunk = await fetchJson(`v1/chunks/${citation.chunk_id}`, { signal });
  } catch (error) {
    if (signal.aborted) return;
    const remedy = "The documents may have changed since. Ask again.";
    byId("passage").replaceChildren(element("p", "", error.message), element("p", "quiet", remedy));
    return;
  }
  showPassage(citation, chunk);
  try {
    await showDocument(citation, chunk, signal);
  } catch (error) {
    if (!signal.aborted) byId("passage").append(element("p", "trouble", error.message));
  }
}

function showPanel() {
  if (wide.matches) panel.show();
  else panel.showModal();
  document.body.classList.add("with-panel");
}

function showPassage(citation, chunk) {
  const { before, inside, after } = slice(citation, chunk);
  const marked = inside ? [element("mark", "", inside)] : [];
  byId("passage").replaceChildren(before, ...marked, after);
  toMark();
}

function toMark() {
  const passage = byId("passage");
  const mark = passage.querySelector("mark");
  passage.scrollTop = mark ? mark.offsetTop - passage.clientHeight / 3 : 0;
}

async function showDocument(citation, chunk, signal) {
  const pdf = chunk.kind === "pdf";
  const shown = pdf && wide.matches && navigator.pdfViewerEnabled;
  if (shown) panel.classList.add("with-sheet"); // its room is kept while the file comes
  toMark();
  const base = `v1/documents/${chunk.document_id}`;
  const address = await addressOf(`${base}/${pdf ? "file" : "text"}`, pdf ? PDF : TEXT, signal);
  if (signal.aborted) return letGo(address);
  held = address;
  const page = citation.page ?? chunk.page ?? 1;
  const link = byId("open");
  link.href = pdf ? `${address}#page=${page}` : address;
  link.textContent = pdf ? `Open PDF at page ${page}` : "Open the page’s text";
  link.hidden = false;
  if (shown) byId("sheet").replaceChildren(viewer(address, page, citation.title));
}

// The browser's own viewer: made anew for each page, since it would not turn to another.
function viewer(address, page, title) {
  const frame = element("iframe");
  frame.title = `Page ${page} of ${title}`;
  frame.src = `${address}#page=${page}&view=FitH&toolbar=0&navpanes=0`;
  return frame;
}

function clear() {
  byId("open").hidden = true;
  byId("sheet").replaceChildren();
  panel.classList.remove("with-sheet");
  letGo(held);
  held = "";
}

function letGo(address) {
  if (address.startsWith("blob:")) URL.revokeObjectURL(address);
}

function slice(citation, chunk) {
  // Offsets count characters; JavaScript's strings count UTF-16 units.
  const characters = Array.from(chunk.text);
  const from = citation.start - chunk.start;
  const to = citation.end - chunk.start;
  const inside = characters.slice(Math.max(from, 0), Math.max(to, 0)).join("");
  if (inside !== citation.quote) return { before: chunk.text, inside: "", after: "" };
  return { before: characters.slice(0, from).join(""), inside, after: characters.slice(to).join("") };
}

function select(n, turn) {
  for (const one of document.querySelectorAll(".card.open")) one.classList.remove("open");
  turn?.querySelector(`.card[data-n="${Number(n)}"]`)?.classList.add("open");
}

export function closePassage() {
  opening.abort();
  if (panel.open) panel.close();
}

panel.addEventListener("close", () => {
  opening.abort();
  clear();
  document.body.classList.remove("with-panel");
  select();
  const elsewhere = ![document.body, openedBy].includes(document.activeElement);
  if (!elsewhere) (openedBy?.isConnected ? openedBy : byId("question")).focus();
  openedBy = null;
});

byId("close").addEventListener("click", closePassage);
panel.addEventListener("click", (event) => {
  if (event.target === panel && panel.matches(":modal")) closePassage();
});
