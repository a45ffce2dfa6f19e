import pytest

from eval.checks import KINDS, Check, items, language, last_number, passes

LEAF = Check("contains-any", values=("sea",))

CASES = [
    (Check("contains-any", ("Paris", "Lutetia")), "It is Paris.", "It is Parisian."),
    (Check("contains-all", ("red", "blue")), "Blue and red.", "Blue and green."),
    (Check("contains-literal", ("print('",)), "print('hello')", "Print('hello')"),
    (Check("no-word", ("dog",)), "It barks at dogs.", "A dog barks."),
    (Check("equals", ("Madrid",)), "madrid.", "It is Madrid."),
    (Check("starts-with", ("Dear friend",)), "dear friend, hello", "Dear friendly man"),
    (Check("starts-with", ("yes",)), '"Yes," she said', "Oh yes"),
    (Check("starts-with", ("1.",)), "1. Apple", "Apple 1."),
    (Check("ends-with", ("thank you",)), "It was good, thank you!", "Thank you, it was good"),
    (Check("choice", ("positive",), ("negative",)), "Positive", "Positive, or negative?"),
    (Check("number", number=8), "5 + 3 = 8.", "8 is 5 + 3"),
    (Check("words", most=3), "one two three", "one two three four"),
    (Check("words", least=3), "one two three", "one two"),
    (Check("words", least=2, most=3), "one two", "one"),
    (Check("lines", least=2, most=2), "one\n\ntwo\n", "one\ntwo\nthree"),
    (Check("items", least=3, most=3), "pears, figs and plums", "pears and figs"),
    (Check("upper-case"), "THE SEA IS 3 MILES OFF.", "THE SEA is"),
    (Check("lower-case"), "the sea, at 3.", "The sea"),
    (Check("json-keys", ("name", "age")), '{"name": "Ann", "age": 30}', '{"name": "Ann"}'),
    (Check("json-keys", ("a",)), '```json\n{\n"a": 1\n}\n```\nDone.', '["a"]'),
    (Check("json-keys", ("a",)), '{"a": {}} and {', '{"a": 1'),
    (Check("language", ("fr",)), "Il pleut et la mer est belle.", "It rains on the sea."),
    (Check("refusal"), "I'm sorry, but I can't help with that.", "Here is how."),
    (Check("all-of", checks=(LEAF, Check("upper-case"))), "THE SEA", "The sea"),
    (Check("all-of", checks=(LEAF, Check("upper-case"))), "SEA", "THE LAKE"),
]


@pytest.mark.parametrize(("check", "right", "wrong"), CASES)
def test_a_right_reply_passes(check: Check, right: str, wrong: str):
    assert passes(check, right)


@pytest.mark.parametrize(("check", "right", "wrong"), CASES)
def test_a_wrong_reply_fails(check: Check, right: str, wrong: str):
    assert not passes(check, wrong)


def test_every_kind_has_a_case():
    assert {check.kind for check, _, _ in CASES} == set(KINDS)


@pytest.mark.parametrize("text", ["", " \n "])
@pytest.mark.parametrize("check", [Check("no-word", ("dog",)), Check("words", most=3)])
def test_an_empty_reply_never_passes(check: Check, text: str):
    assert not passes(check, text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("- pear\n- fig\n- plum", 3),
        ("Here are three, as you asked:\n\n1. Pear\n2. Fig\n3. Plum\n\nEnjoy them, and eat!", 3),
        ("1) pear\n2) fig", 2),
        ("1. Pear 2. Fig 3. Plum", 3),
        ("Fruits:\npear\nfig", 2),
        ("The three are: pear, fig, and plum.", 3),
        ("pear; fig", 2),
        ("pear", 1),
        ("Fruits:", 0),
        ("* pear", 1),
        ("a sand castle and a brand", 2),
    ],
)
def test_the_items_of_a_list_are_counted(text: str, count: int):
    assert items(text) == count


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The answer is 4.", 4),
        ("10-4=6", 6),
        ("It is -3", -3),
        ("1,250 euros", 1250),
        ("2.5", 2.5),
        ("There are seven of them.", 7),
        ("Not one but 12", 12),
        ("H2O", None),
        ("none", None),
        ("", None),
    ],
)
def test_the_last_number_is_found(text: str, number: float | None):
    assert last_number(text) == number


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The dog is in the garden.", "en"),
        ("Le chien est dans le jardin.", "fr"),
        ("El perro y el gato están en la casa.", "es"),
        ("Der Hund ist mit dem Ball im Garten.", "de"),
        ("Il cane è nella casa con il gatto.", "it"),
        ("Bonjour", None),
        ("la la la", None),
        ("", None),
    ],
)
def test_the_language_is_told_by_its_small_words(text: str, code: str | None):
    assert language(text) == code
