"""Words of a suite's lexicons in its texts: `{name}` stands for any of them. Pure. Read from `specs`."""

import re
from collections.abc import Iterable
from typing import Final

from domain.errors import Invalid, unknown

_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z0-9][A-Za-z0-9._-]*)\}")


class UnknownLexicon(Invalid):
    """A text asks for words that the suite does not have."""

    code = "unknown_lexicon"


def placeholders(text: str) -> list[str]:
    """The lexicons that a text draws from, each once, in the order of their first use."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(text)))


def filled(text: str, words: dict[str, str]) -> str:
    """The text with a word for each placeholder; one that has none stays as it is."""
    return _PLACEHOLDER.sub(lambda found: words.get(found[1], found[0]), text)


def unknown_lexicon(name: str, known: Iterable[str], where: str | None = None) -> UnknownLexicon:
    """The error for a placeholder without words, with near matches among the lexicons there are."""
    names = list(known)
    near = unknown("lexicon", name, names)
    there_are = f"There are {', '.join(map(repr, names))}." if names else "The suite has no lexicons."
    return UnknownLexicon(near.message, where=where, fix=near.fix or there_are)
