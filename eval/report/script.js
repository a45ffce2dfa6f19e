// The table of questions. Texts come from documents and models: they are only ever set as text.
"use strict";
(() => {
  const block = JSON.parse(document.getElementById("block").textContent);
  const [ID, QUESTION, GOLD, ANSWERABLE, SOURCE, EVIDENCE, CELLS] = [0, 1, 2, 3, 4, 5, 6];
  const [SEEDS, RIGHT, ABSTAINED, ANSWER, GROUNDING, RETRIEVED, ERROR] = [0, 1, 2, 3, 4, 5, 6];
  const PAGE = 50;
  const FILTERS = [
    ["all", "All"], ["won", "Won"], ["lost", "Lost"], ["tied", "Both right"],
    ["wrong", "Both wrong"], ["unscored", "Unscored"],
  ];
  const find = (id) => document.getElementById(id);
  const text = (place) => block.texts[place];
  const [left, right, search, rows, more] = ["left", "right", "search", "rows", "more"].map(find);
  let filter = "all";
  let found = [];
  let drawn = 0;

  function make(tag, content, name) {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (content !== undefined) element.append(content);
    return element;
  }

  // How an arm did on a question, over its seeds: {mean or null, lost rows, seeds}.
  function score(question, arm) {
    let [sum, graded, lost] = [0, 0, 0];
    for (const cell of question[CELLS][arm]) {
      if (cell[RIGHT] < 0) lost += cell[SEEDS].length;
      else {
        sum += cell[RIGHT] * cell[SEEDS].length;
        graded += cell[SEEDS].length;
      }
    }
    return { sum, graded, lost, mean: graded ? sum / graded : null };
  }

  function kinds(question) {
    const [one, two] = [score(question, +left.value), score(question, +right.value)];
    const result = one.lost || two.lost ? ["unscored"] : [];
    if (one.mean === null || two.mean === null) return one.lost || two.lost ? result : ["unscored"];
    if (one.mean > two.mean) result.push("won");
    else if (one.mean < two.mean) result.push("lost");
    else result.push(one.mean ? "tied" : "wrong");
    return result;
  }

  function grade(result) {
    if (!result.graded) return make("span", "– unscored", "grade lost");
    if (result.sum === result.graded) return make("span", "✓ right", "grade right");
    if (!result.sum) return make("span", "✕ wrong", "grade wrong");
    return make("span", `◐ right ${result.sum} of ${result.graded}`, "grade partly");
  }

  const gold = (question) => question[ANSWERABLE] ? question[GOLD].join(" / ") : "(not answerable: abstain)";

  function haystack(question) {
    return question.lower ??= [
      question[ID], question[QUESTION], ...question[GOLD], text(question[SOURCE]),
      ...question[CELLS].flat().map((cell) => text(cell[ANSWER])),
    ].join("\n").toLowerCase();
  }

  function answerCell(question, arm) {
    const cell = make("td");
    cell.dataset.label = block.arms[arm];
    const given = question[CELLS][arm];
    cell.append(grade(score(question, arm)));
    if (given.length) {
      const [first] = given;
      cell.append(make("span", first[RIGHT] < 0 ? text(first[ERROR]) : text(first[ANSWER]) || "(empty)", "clamp"));
    }
    return cell;
  }

  function row(question, number) {
    const line = make("tr");
    const opener = make("button", undefined, "opener");
    const title = make("span");
    title.append(make("span", question[QUESTION], "clamp"), make("span", question[ID], "id"));
    opener.type = "button";
    opener.append(title);
    opener.setAttribute("aria-expanded", "false");
    opener.setAttribute("aria-controls", `detail-${number}`);
    opener.addEventListener("click", () => toggle(opener, line, question, number));
    const asked = make("td");
    asked.append(opener);
    const wanted = make("td");
    wanted.dataset.label = "Gold";
    wanted.append(make("span", gold(question), "clamp"));
    line.append(asked, wanted, answerCell(question, +left.value), answerCell(question, +right.value));
    return line;
  }

  function toggle(opener, line, question, number) {
    const open = opener.getAttribute("aria-expanded") === "true";
    opener.setAttribute("aria-expanded", String(!open));
    if (open) line.nextElementSibling.remove();
    else line.after(detail(question, number));
  }

  function detail(question, number) {
    const line = make("tr", undefined, "detail");
    const cell = make("td");
    cell.colSpan = 4;
    cell.append(make("p", question[QUESTION], "said"));
    cell.append(make("p", `Gold: ${gold(question)}`, "said"));
    for (const item of question[EVIDENCE]) cell.append(make("p", `Stands in ${item}`, "quiet"));
    cell.append(make("p", `Source: ${text(question[SOURCE]) || "not given"}`, "quiet"));
    const answers = make("div", undefined, "answers");
    block.arms.forEach((name, arm) => {
      for (const given of question[CELLS][arm]) answers.append(answer(name, given));
    });
    cell.append(answers);
    line.id = `detail-${number}`;
    line.append(cell);
    return line;
  }

  function answer(name, given) {
    const box = make("div");
    const seeds = given[SEEDS];
    const head = make("h4", `${name}, seed${seeds.length > 1 ? "s" : ""} ${seeds.join(", ")} `);
    const result = { sum: given[RIGHT], graded: given[RIGHT] < 0 ? 0 : 1 };
    head.append(grade(result));
    box.append(head);
    if (given[RIGHT] < 0) box.append(make("p", `Unscored: ${text(given[ERROR]) || "no grade"}`));
    else box.append(make("p", text(given[ANSWER]) || "(empty)", "said"));
    const facts = [];
    if (given[ABSTAINED]) facts.push("abstained");
    if (text(given[GROUNDING])) facts.push(`grounding: ${text(given[GROUNDING])}`);
    if (facts.length) box.append(make("p", facts.join(" · "), "quiet"));
    given[RETRIEVED].map(text).forEach((name, index) => box.append(passage(name, index + 1)));
    return box;
  }

  function passage(name, rank) {
    const body = block.passages[name];
    if (body === undefined) return make("p", `retrieved ${rank}: ${name}`, "quiet");
    const opened = make("details", make("summary", `retrieved ${rank}: ${name}`), "quiet");
    opened.append(make("p", body, "said"));
    return opened;
  }

  function draw() {
    const wanted = search.value.trim().toLowerCase();
    const searched = block.questions.filter((question) => !wanted || haystack(question).includes(wanted));
    const sorted = searched.map((question) => [question, kinds(question)]);
    for (const button of document.querySelectorAll(".filters button")) {
      const kind = button.dataset.kind;
      const count = kind === "all" ? sorted.length : sorted.filter(([, all]) => all.includes(kind)).length;
      button.textContent = `${button.dataset.label} ${count.toLocaleString("en")}`;
      button.setAttribute("aria-pressed", String(kind === filter));
    }
    found = sorted.filter(([, all]) => filter === "all" || all.includes(filter)).map(([one]) => one);
    find("left-head").textContent = block.arms[+left.value];
    find("right-head").textContent = block.arms[+right.value];
    rows.replaceChildren();
    drawn = 0;
    drawMore();
  }

  function drawMore() {
    const next = found.slice(drawn, drawn + PAGE);
    rows.append(...next.map((question, index) => row(question, drawn + index)));
    drawn += next.length;
    find("shown").textContent = `${drawn.toLocaleString("en")} of ${found.length.toLocaleString("en")} questions shown`;
    const remaining = found.length - drawn;
    more.hidden = !remaining;
    more.textContent = `Show ${Math.min(PAGE, remaining)} more`;
  }

  function start() {
    for (const select of [left, right]) {
      block.arms.forEach((name, index) => {
        const option = make("option", name + (name === block.baseline ? " (baseline)" : ""));
        option.value = index;
        select.append(option);
      });
    }
    const trained = block.arms.findIndex((name) => name.startsWith("adapter"));
    const baseline = block.arms.indexOf(block.baseline);
    left.value = trained < 0 ? block.arms.length - 1 : trained;
    right.value = baseline < 0 ? 0 : baseline;
    for (const [kind, label] of FILTERS) {
      const button = make("button");
      button.type = "button";
      button.dataset.kind = kind;
      button.dataset.label = label;
      button.addEventListener("click", () => { filter = kind; draw(); });
      document.querySelector(".filters").append(button);
    }
    left.addEventListener("change", draw);
    right.addEventListener("change", draw);
    let waiting = 0;
    search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(draw, 120); });
    more.addEventListener("click", () => {
      const first = drawn;
      drawMore();
      rows.querySelector(`[aria-controls="detail-${first}"]`).focus();
    });
    find("table").hidden = false;
    draw();
  }

  // Drawn when it comes near the screen, so that the verdict is there at once.
  new IntersectionObserver((seen, observer) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    observer.disconnect();
    start();
  }, { rootMargin: "600px" }).observe(find("questions"));
})();
