// The panel that shows a citation's passage, with its quote marked. Beside the answer where there is
// room, else a sheet over it.

import { byId, element, fetchJson, place } from "./parts.js";

const panel = byId("panel");

let opening = new AbortController();
let openedBy = null;

export async function openPassage(citation, opener) {
  opening.abort();
  opening = new AbortController();
  const { signal } = opening;
  openedBy = opener;
  select(citation.n);
  byId("panel-title").textContent = citation.title;
  byId("panel-place").textContent = place(citation);
  byId("passage").replaceChildren(element("p", "quiet", "Opening the passage…"));
  byId("open").hidden = true;
  if (!panel.open) showPanel();
  byId("panel-title").focus();
  try {
    const chunk = await fetchJson(`v1/chunks/${citation.chunk_id}`, { signal });
    if (!signal.aborted) showPassage(citation, chunk);
  } catch (error) {
    if (signal.aborted) return;
    byId("passage").replaceChildren(
      element("p", "", error.message),
      element("p", "quiet", "The documents may have changed since. Ask again."),
    );
  }
}

function showPanel() {
  if (matchMedia("(min-width: 60rem)").matches) panel.show();
  else panel.showModal();
  document.body.classList.add("with-panel");
}

function showPassage(citation, chunk) {
  const quote = slice(citation, chunk);
  const mark = element("mark", "", quote.inside);
  const passage = byId("passage");
  passage.replaceChildren(quote.before, ...(quote.inside ? [mark] : []), quote.after);
  passage.scrollTop = quote.inside ? mark.offsetTop - passage.clientHeight / 3 : 0;
  const link = byId("open");
  const base = `v1/documents/${chunk.document_id}`;
  const page = citation.page ?? chunk.page ?? 1;
  const pdf = chunk.kind === "pdf";
  link.href = pdf ? `${base}/file#page=${page}` : `${base}/text`;
  link.textContent = pdf ? `Open PDF at page ${page}` : "Open the page’s text";
  link.hidden = false;
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

function select(n) {
  for (const one of document.querySelectorAll(".card")) {
    one.classList.toggle("open", one.dataset.n === String(n));
  }
}

export function closePassage() {
  opening.abort();
  if (panel.open) panel.close();
}

panel.addEventListener("close", () => {
  opening.abort();
  document.body.classList.remove("with-panel");
  select(null);
  const elsewhere = ![document.body, openedBy].includes(document.activeElement);
  if (!elsewhere) (openedBy?.isConnected ? openedBy : byId("question")).focus();
  openedBy = null;
});

byId("close").addEventListener("click", closePassage);
panel.addEventListener("click", (event) => {
  if (event.target === panel && panel.matches(":modal")) closePassage();
});
