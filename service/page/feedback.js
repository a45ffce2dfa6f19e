// Right or wrong, under each answer; what is wrong may be told with the right answer.

import { fetchJson, jsonPost } from "./api.js";
import { announce, button, element } from "./parts.js";

const THANKS = {
  true: "Noted as right. Thank you.",
  false: "Noted as wrong. Thank you.",
};

export function feedbackOn(turn, save) {
  const box = element("div", "feedback");
  box.setAttribute("role", "group");
  const words = turn.answer.abstained ? "Is it right that there is no answer?" : "Is this right?";
  box.setAttribute("aria-label", words);

  function ask() {
    const wrong = button("plain", "Wrong", () => form(wrong));
    wrong.setAttribute("aria-expanded", "false");
    const right = button("plain", "Right", () => send(true, ""));
    const trouble = element("p", "trouble");
    trouble.setAttribute("role", "alert");
    box.replaceChildren(element("span", "quiet", words), right, wrong, trouble);
    return { right, wrong };
  }

  function form(opener) {
    if (box.querySelector("form")) return;
    opener.setAttribute("aria-expanded", "true");
    const field = element("textarea");
    field.rows = 1;
    field.maxLength = 2000;
    const label = element("label", "", "What is the right answer, if you know it?", field);
    const submit = element("button", "primary", "Send");
    const made = element("form", "correct", label, submit, button("plain", "Cancel", close));
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      send(false, field.value.trim());
    });
    made.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        close();
      } else if (event.key === "Enter" && event.target === field && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        made.requestSubmit();
      }
    });
    box.append(made);
    field.focus();
  }

  function close() {
    ask().wrong.focus();
  }

  async function send(right, rightAnswer) {
    const { question, answer } = turn;
    const controls = [...box.querySelectorAll("button")];
    for (const one of controls) one.disabled = true;
    try {
      await fetchJson("v1/feedback", jsonPost({
        question,
        answer: answer.answer,
        right,
        right_answer: rightAnswer,
        citations: answer.citations,
      }));
      turn.feedback = right;
      save();
      done();
      box.firstChild.focus();
      announce(THANKS[right]);
    } catch (error) {
      for (const one of controls) one.disabled = false;
      box.querySelector(".trouble").textContent = error.message;
    }
  }

  function done() {
    const thanks = element("p", "quiet", THANKS[turn.feedback]);
    thanks.tabIndex = -1;
    box.replaceChildren(thanks);
  }

  if (turn.feedback === undefined) ask();
  else done();
  return box;
}
