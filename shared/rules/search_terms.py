"""What a person is found by while his name is typed: texts of which the beginning is enough.

Accents and letter case do not count, and each word of a name begins a text of its own: "Anna Müller" is found by
"anna", "mull" and "Müller". The texts are made of what a row key of Table Storage may hold, so that a prefix of a text
is a prefix of its key.
"""

import unicodedata

LONGEST = 32
"""Characters of a text: with four bytes each, a key stays far below the 512 that Table Storage takes."""
MOST_WORDS = 4
"""Of a display name: more would make a person's transaction longer than it is worth."""


def search_terms(display_name: str | None, user_name: str) -> tuple[str, ...]:
    """The texts for a person, each once."""
    words = _folded(display_name or "").split()
    texts = [" ".join(words[place:]) for place in range(min(len(words), MOST_WORDS))]
    return tuple(dict.fromkeys(search_prefix(text) for text in (*texts, user_name) if text.strip()))


def search_prefix(typed: str) -> str:
    """What was typed, as the beginning of such a text; empty where nothing was."""
    return "".join(_key(character) for character in " ".join(_folded(typed).split())[:LONGEST])


def _folded(text: str) -> str:
    # Left decomposed, so that the beginning of a Korean syllable, too, is a beginning.
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _key(character: str) -> str:
    """One character, as letters, digits and marks that every key may hold; never a colon, which ends the text."""
    if character.isascii():
        return character if character.isalnum() or character in ".@-" else "_"
    return "=" + character.encode("utf-8", "surrogatepass").hex()
