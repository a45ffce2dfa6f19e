"""The checks before a verdict, each a pure function over questions and documents.

They look for what makes a comparison worthless whatever its figures are: gold answers that no
document gives, test questions that training has seen, prompts that tell the answer.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from eval.duplicates import held, near, too_short
from eval.findings import Finding, finding, waive
from eval.gold import gold_in_corpus
from eval.grade import contains
from eval.questions import Question
from eval.task import Task
from ingest.snapshot import Snapshot

QUESTIONS_OF_A_FILE = 3
"""A document that holds so many test questions, word for word, is a file of questions."""

Questions = Sequence[Question]
Texts = Mapping[str, str]


def audit(
    task: Task,
    train: Questions,
    dev: Questions,
    test: Questions,
    documents: Texts,
    prompts: Sequence[tuple[str, str]],
    training_texts: Texts | None = None,
    files: Mapping[str, Sequence[Path]] | None = None,
) -> list[Finding]:
    """All guards, in the order of `eval.task.GUARDS`, those that the task waives marked.

    `documents`: path → text, and `files`: path → where it was read from, as the index has them
    (`corpus_texts`, `corpus_files`). `prompts`: (question id, whole prompt) of the arms without
    passages. `training_texts`: what an adapter learns from beside the training questions, by name;
    all documents where the task says so (`training.documents`) and none are given.

    Raises `UnknownGuard` where the task waives what it may not.
    """
    texts = training_texts or (documents if task.training.documents else {})
    closed = {"closed-book", "adapter"} & set(task.arms)
    return waive(
        [
            gold_in_corpus(task, test, documents),
            leaks(train, dev, test, texts),
            source_documents(train, dev, test, texts),
            dates(train, test),
            closed_book(test, prompts, needed=bool(closed)),
            question_files(task, test, documents, files),
        ],
        task,
    )


def corpus_texts(snapshot: Snapshot) -> dict[str, str]:
    """The documents of an index: path → text. Those of one path in two roots are joined."""
    texts: dict[str, str] = {}
    for document in snapshot.documents():
        text = snapshot.text(document.id)
        texts[document.path] = "\n\n".join(filter(None, (texts.get(document.path), text)))
    return texts


def corpus_files(snapshot: Snapshot) -> dict[str, list[Path]]:
    """The documents of an index: path → the files they were read from."""
    files: dict[str, list[Path]] = defaultdict(list)
    for document in snapshot.documents():
        files[document.path].append(document.root / document.file)
    return dict(files)


def leaks(
    train: Questions, dev: Questions, test: Questions, training_texts: Texts | None = None
) -> Finding:
    """Whether a test question, or a near duplicate, is a training or dev question.

    Texts that an adapter trains on must not hold one either, nor be one. See `eval.duplicates`.
    """
    asked = {question.id: question.question for question in test}
    records: list[str] = []
    for split, questions in (("train", train), ("dev", dev)):
        texts = {question.id: question.question for question in questions}
        records += [
            f"{one.left}: {_as_alike(one.similarity)} {split} question {one.right}: "
            f"{asked[one.left]!r} and {texts[one.right]!r}"
            for one in near(asked, texts)
        ]
    texts = training_texts or {}
    copies = {(one.left, one.right): one.similarity for one in near(asked, texts)}
    records += [
        f"{name}: {_as_alike(similarity)} training text {title}: {asked[name]!r}"
        for (name, title), similarity in copies.items()
    ]
    records += [
        f"{one.left}: stands in training text {one.right}: {asked[one.left]!r}"
        for one in held(asked, texts.items())
        if (one.left, one.right) not in copies
    ]
    note = f"{len(test)} test questions against {len(train)} train and {len(dev)} dev questions"
    if texts:
        note += f" and {len(texts)} training texts"
        if short := too_short(asked):
            note += f"; {short} are too short to be looked for within them"
    return finding("leaks", note, records)


def source_documents(
    train: Questions, dev: Questions, test: Questions, training_texts: Texts | None = None
) -> Finding:
    """Whether a source or evidence document (format: a family) of test serves another split too.

    Nor may it be one of the texts that an adapter trains on, by their names. A question that names
    no source cannot be shown to be clean, and is a record.
    """
    mine = _by_source(test)
    records: list[str] = []
    for split, questions in (("train", train), ("dev", dev)):
        theirs = _by_source(questions)
        records += [
            f"{source}: of {_listed(ids)} in test and of {_listed(theirs[source])} in {split}"
            for source, ids in mine.items()
            if source in theirs
        ]
    records += [
        f"{source}: of {_listed(ids)} in test, and a training text"
        for source, ids in mine.items()
        if source in (training_texts or {})
    ]
    for split, questions in (("train", train), ("dev", dev), ("test", test)):
        nameless = [one.id for one in questions if not one.source and not one.evidence]
        if nameless:
            records.append(f"{_listed(nameless)}: no 'source' in {split}")
    note = f"{len(mine)} sources of test against those of train and dev"
    return finding("source-documents", note, records)


def dates(train: Questions, test: Questions) -> Finding:
    """Whether all test questions were asked no earlier than the last training question."""
    trained = [question.asked_at for question in train if question.asked_at]
    dated = [(question.asked_at, question.id) for question in test if question.asked_at]
    if not trained or not dated:
        return finding("dates", "not checked: no dates")
    latest = max(trained)
    records = [
        f"{name}: asked on {day}, training goes on until {latest}"
        for day, name in sorted(dated)
        if day < latest
    ]
    note = f"training until {latest}, test from {min(dated)[0]}"
    undated = len(train) - len(trained) + len(test) - len(dated)
    if undated:
        note += f"; {undated} questions without a date were not checked"
    return finding("dates", note, records)


def closed_book(
    test: Questions, prompts: Sequence[tuple[str, str]], *, needed: bool = True
) -> Finding:
    """Whether a prompt without passages holds a gold answer of its question.

    `needed`: an answerable question without a prompt breaks the guard, too.
    """
    known = {question.id: question for question in test}
    records: list[str] = []
    for name, prompt in prompts:
        if name not in known:
            records.append(f"{name}: a prompt was given for it, and it is no test question")
            continue
        question = known[name]
        for answer in question.answers:
            if contains(question.question, [answer]):
                records.append(f"{name}: the question itself holds {answer!r}")
            elif contains(prompt, [answer]):
                records.append(f"{name}: its prompt holds {answer!r}")
    prompted = {name for name, _ in prompts}
    missing = [one.id for one in test if one.answerable and one.id not in prompted]
    if needed and missing:
        records.append(f"{_listed(missing)}: no closed-book prompt to check")
    if not prompts and not needed:
        return finding("closed-book", "not checked: no arm answers without passages")
    note = f"{len(prompts)} prompts without passages"
    return finding("closed-book", note, dict.fromkeys(records))


def question_files(
    task: Task,
    test: Questions,
    documents: Texts,
    files: Mapping[str, Sequence[Path]] | None = None,
) -> Finding:
    """Whether the index holds a file of questions: by what it says, or by where it lies.

    The task's own files are no documents, nor is what lies beside the task file or in a folder
    `tasks` that holds it, unless the task names it as its corpus. Where `files` does not tell,
    paths are taken to be below the corpus folders.
    """
    asked = {question.id: question.question for question in test}
    holds: dict[str, list[str]] = defaultdict(list)
    for one in held(asked, documents.items(), share=1.0):
        holds[one.right].append(one.left)
    records = [
        f"{path}: holds the test questions {_listed(names)}, word for word"
        for path, names in holds.items()
        if len(names) >= QUESTIONS_OF_A_FILE
    ]
    for path in documents:
        below = (root / path.partition("#")[0] for root in task.corpus)
        where = next((f for f in (*(files or {}).get(path, ()), *below) if _of_task(f, task)), None)
        if where:
            records.append(f"{path}: {where} belongs to the task, not to the documents")
    note = f"{len(documents)} documents against {len(test)} test questions"
    if short := too_short(asked):
        note += f"; {short} are too short to be looked for"
    return finding("question-files", note, records)


def _by_source(questions: Questions) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for question in questions:
        sources = {question.source, *(item.document for item in question.evidence)}
        for source in sorted(sources - {""}):
            found[source].append(question.id)
    return dict(sorted(found.items()))


def _of_task(file: Path, task: Task) -> bool:
    home = task.file.resolve().parent
    if file in (task.file.resolve(), *task.questions.values()):
        return True
    tasks = next((folder for folder in (home, home.parent) if folder.name == "tasks"), None)
    if tasks is None:
        return file.parent == home and home not in task.corpus
    corpora = [root for root in task.corpus if root.is_relative_to(tasks)]
    return file.is_relative_to(tasks) and not any(
        file.is_relative_to(root) for root in corpora if root not in (tasks, home)
    )


def _as_alike(similarity: float) -> str:
    return "the same as" if similarity == 1 else f"alike by {similarity:.2f} to"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
