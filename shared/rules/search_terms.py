"""Search terms for finding a person while their name is being typed; a prefix of a term is enough.

Accents and letter case are ignored, and each word of a name starts a term: "Anna Müller" is found by "anna", "mull" and
"Müller". Terms consist of characters that a row key of Table Storage may hold, so a prefix of a term is a prefix of its
key.
"""

import unicodedata

LONGEST = 32
"""Maximum number of characters in a term: at four bytes each, a key stays far below the 512 that Table Storage allows.
"""
MOST_WORDS = 4
"""Maximum number of words used of a display name: more would make a person's transaction needlessly long."""


def search_terms(display_name: str | None, user_name: str) -> tuple[str, ...]:
    """Return a person's terms without duplicates."""
    words = _folded(display_name or "").split()
    texts = [" ".join(words[place:]) for place in range(min(len(words), MOST_WORDS))]
    return tuple(dict.fromkeys(search_prefix(text) for text in (*texts, user_name) if text.strip()))


def search_prefix(typed: str) -> str:
    """Return the prefix of a term for a typed text; empty if nothing was typed."""
    return "".join(_key(character) for character in " ".join(_folded(typed).split())[:LONGEST])


def _folded(text: str) -> str:
    # Kept decomposed, so that a partially typed Korean syllable is a prefix too.
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _key(character: str) -> str:
    """Return one character as letters, digits and marks that every key may hold; never a colon, which ends the term."""
    if character.isascii():
        return character if character.isalnum() or character in ".@-" else "_"
    return "=" + character.encode("utf-8", "surrogatepass").hex()
