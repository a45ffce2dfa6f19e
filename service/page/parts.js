// Parts that the page's other modules share. Nothing here sets HTML: strings become text nodes.

export const byId = (id) => document.getElementById(id);

export function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

export function button(className, words, clicked) {
  const made = element("button", className, words);
  made.type = "button";
  made.addEventListener("click", () => clicked(made));
  return made;
}

export function place({ page, section, document: path }) {
  const heading = section.replaceAll(" > ", " › ");
  if (page) return [`page ${page}`, heading].filter(Boolean).join(" · ");
  return heading || path;
}

export const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

// Heard by screen readers, seen by nobody. A window hides what is outside it from them, too.
export function announce(words) {
  const within = document.querySelector("dialog:modal .announcer");
  (within ?? byId("announcer")).textContent = words;
}

// What this tab keeps. Where a browser forbids that, it is kept until the page is left.

const memory = new Map();

export function kept(name) {
  try {
    return sessionStorage.getItem(name) ?? memory.get(name) ?? null;
  } catch {
    return memory.get(name) ?? null;
  }
}

export function keep(name, value) {
  memory.set(name, value);
  try {
    sessionStorage.setItem(name, value);
    return true;
  } catch {
    return false;
  }
}
