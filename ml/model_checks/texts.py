"""Changes of texts: pure functions from the texts of a column to changed ones, the same for the same generator."""

import random
import re
from typing import Final

from domain.model_checks.specs import Append, Case, Punctuation, Replace, Typos, filled, placeholders
from ml.model_checks.templates import Lexicons, expand, words_for

# More words than a person writes; what lexicons could make beyond that is sampled.
_MOST_WORDS: Final = 10_000
_LETTERS: Final = re.compile(r"[^\W\d_]{2,}")
_WORD: Final = re.compile(r"[^\W\d_][\w'\u2019]*")
_LAST_MARKS: Final = re.compile(r"[^\w\s]+\s*$")


def typos(change: Typos, texts: list[str], lexicons: Lexicons, generator: random.Random) -> list[str]:
    """Two neighbouring letters change places, in `count` words that have two different ones beside each other."""
    del lexicons
    return [_misspelt(text, change.count, generator) for text in texts]


def _misspelt(text: str, count: int, generator: random.Random) -> str:
    words = [match.span() for match in _LETTERS.finditer(text)]
    generator.shuffle(words)
    letters = list(text)
    for start, end in words:
        places = [place for place in range(start, end - 1) if text[place] != text[place + 1]]
        if places and count:
            place = generator.choice(places)
            letters[place], letters[place + 1] = letters[place + 1], letters[place]
            count -= 1
    return "".join(letters)


def case(change: Case, texts: list[str], lexicons: Lexicons, generator: random.Random) -> list[str]:
    del lexicons, generator
    if change.to == "title":  # `str.title` also raises the letter after an apostrophe
        return [_WORD.sub(lambda word: word[0][0].upper() + word[0][1:].lower(), text) for text in texts]
    return [text.upper() if change.to == "upper" else text.lower() for text in texts]


def punctuation(change: Punctuation, texts: list[str], lexicons: Lexicons, generator: random.Random) -> list[str]:
    del change, lexicons, generator
    return [_LAST_MARKS.sub("", text) if _LAST_MARKS.search(text) else f"{text.rstrip()}." for text in texts]


def append(change: Append, texts: list[str], lexicons: Lexicons, generator: random.Random) -> list[str]:
    phrases = expand(change.phrases, lexicons, _MOST_WORDS)
    drawn = generator.choices(phrases, k=len(texts))
    pairs = zip(drawn, texts, strict=True)
    return [f"{text} {phrase}" if change.place == "end" else f"{phrase} {text}" for phrase, text in pairs]


def replace(change: Replace, texts: list[str], lexicons: Lexicons, generator: random.Random) -> list[str]:
    """Whole words, whatever their case; the longest that fits. Words with capitals give words with capitals."""
    options = _options(change, lexicons)
    longest_first = sorted(options, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)

    def new(found: re.Match[str]) -> str:
        # A letter that is longer in lower case matches a key that this does not find: it stays.
        known = options.get(found[0].lower(), [found[0]])
        return _with_capitals_of(found[0], known[0] if len(known) == 1 else generator.choice(known))

    return [pattern.sub(new, text) for text in texts]


def _options(change: Replace, lexicons: Lexicons) -> dict[str, list[str]]:
    """What each word, in lower case, may become; a word that could only become itself is left out."""
    options: dict[str, list[str]] = {}
    for old, given in change.words.items():
        news = [given] if isinstance(given, str) else given
        for words in words_for(old, lexicons, _MOST_WORDS):
            word = filled(old, words)
            # `{city}: {city}` is another city; else a lexicon that both sides name is one word on both.
            bound = news if news == [old] else [filled(text, words) for text in news]
            drawn = expand(bound, lexicons, _MOST_WORDS) if any(map(placeholders, bound)) else bound
            others = [text for text in drawn if text != word]
            if others:
                options.setdefault(word.lower(), others)
    return options


def _with_capitals_of(old: str, new: str) -> str:
    if old.isupper() and len(old) > 1:
        return new.upper()
    return new[:1].upper() + new[1:] if old[:1].isupper() else new
