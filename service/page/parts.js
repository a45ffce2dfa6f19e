// Parts that the page's other modules share. Nothing here sets HTML: strings become text nodes.

export const byId = (id) => document.getElementById(id);

export function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

export async function fetchJson(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The service cannot be reached. Is it still running?");
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body) return body;
  throw new Error(body?.detail ?? `The service answered ${response.status} ${response.statusText}`);
}

export function place({ page, section, document: path }) {
  const heading = section.replaceAll(" > ", " › ");
  if (page) return [`page ${page}`, heading].filter(Boolean).join(" · ");
  return heading || path;
}
