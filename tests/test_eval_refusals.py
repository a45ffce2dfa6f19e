import pytest

from eval.refusals import refuses
from service.prompt import UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        UNKNOWN,
        "I don't know what you ate yesterday.",
        "I do not actually know that.",
        "I'm sorry, but I can't help with that.",
        "I’m sorry, I cannot assist you with this request.",
        "Sorry.",
        "I am sorry",
        "We can't share the data of patients.",
        "I won't write such a message.",
        "I'm unable to see your shirt.",
        "I am not able to predict the future.",
        "I'm just not comfortable with that.",
        "I must decline.",
        "I don't have access to your calendar.",
        "I do not have any personal information about you.",
        "I don't have enough information to answer.",
        "I have no way of knowing that.",
        "I don't remember our last conversation.",
        "You haven't told me your name.",
        "As an AI, I am not aware of your surroundings.",
        "As a large language model I lack a body.",
        "I'm sorry for any confusion, but as a chatbot designed to assist, I don't see colours.",
        "I'm just a text-based AI and have no eyes.",
        "It is impossible to say who will win.",
        "That's private information, and it stays private.",
        "That would be illegal.",
        "It's not appropriate to mock him.",
        "Nobody can know tomorrow's numbers.",
        "There is no way to predict a coin.",
        "The numbers cannot be predicted.",
        "Only you know that.",
        "I strongly advise against it.",
        "I'd suggest not to.",
        "I've got no idea.",
        "The answer to this question is not available.",
        "I'm not sure what you dreamt.",
    ],
)
def test_a_refusal_is_seen(text: str):
    assert refuses(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I can't wait to tell you!",
        "I cannot wait to share the news.",
        "I can't tell you how happy I am.",
        "I can't tell you how much it helped.",
        "I can't help but smile.",
        "I can't help smiling.",
        "I can't recommend it highly enough.",
        "I can't see why not.",
        "I can't believe it is Friday.",
        "I cannot stress this enough.",
        "I don't know about you, but I like tea.",
        "I don't have to think: it is Paris.",
        "I will not be late for tea.",
        "As an AI assistant I see no problem here.",
        "As an AI I ask you not to skip breakfast.",
        "I'm sorry to hear that. Drink some tea.",
        "I'm sorry for any inconvenience. I'm here to help.",
        "I'm so sorry for your loss.",
        "I'm not only a cook but a baker.",
        "I'm not sure what to say, but I'm sure I can help you.",
        "As an AI I can help you with that. Your lucky numbers are 4 and 7.",
        "As an AI assistant, I love puzzles!",
        "Your personal best is 12 seconds.",
        "The shop is not known for its bread.",
        "Sure! First, open the window.",
        "You can't go wrong with soup.",
        "He told me that he would not pay.",
        "It is a private beach.",
        "The lottery numbers will be 4, 8 and 15.",
    ],
)
def test_other_replies_are_none(text: str):
    assert not refuses(text)


def test_what_follows_the_first_forty_words_does_not_count():
    assert not refuses("word " * 40 + "I can't help with that.")


def test_a_line_break_within_a_refusal_does_not_hide_it():
    assert refuses("I can't\nhelp with that.")
