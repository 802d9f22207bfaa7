"""The functions of the reference page that take one text and answer another, or a position in it.

Positions and lengths count characters, not .NET's UTF-16 units, so that no character is ever cut in half. Where the
page says nothing of null, text made from null is null, so that "default value if null" applies.
"""

import base64
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import regex

from shared.rules.expressions.diacritics import without_diacritics
from shared.rules.expressions.errors import RefusedError
from shared.rules.expressions.function import INTEGER, PLAIN, TEXT, TEXTS, WORD, Parameter, function


@function(
    "Append",
    Parameter("source", TEXTS),
    Parameter("suffix", PLAIN),
    example='Append([userPrincipalName], ".test")',
    result='"John.Doe@contoso.com.test"',
)
def append(source: str | None, suffix: str) -> str | None:
    """Adds the suffix to the end of the source. A null source stays null; a null suffix adds nothing."""
    return None if source is None else source + suffix


@function(
    "ConvertToBase64",
    Parameter("source", TEXTS),
    example='ConvertToBase64("Hello world!")',
    result='"SABlAGwAbABvACAAdwBvAHIAbABkACEA"',
)
def convert_to_base64(source: str | None) -> str | None:
    """Encodes text in base64, by way of UTF-16 (little endian, no byte order mark), as the page's example shows."""
    return None if source is None else base64.b64encode(source.encode("utf-16-le", "surrogatepass")).decode()


@function(
    "ConvertToUTF8Hex",
    Parameter("source", TEXTS),
    example='ConvertToUTF8Hex("Hello world!")',
    result='"48656C6C6F20776F726C6421"',
)
def convert_to_utf8_hex(source: str | None) -> str | None:
    """Writes the bytes of the text in UTF-8 as hexadecimal digits, in upper case as in the page's example."""
    return None if source is None else source.encode("utf-8", "surrogatepass").hex().upper()


@function(
    "InStr",
    Parameter("value1", TEXT),
    Parameter("value2", PLAIN),
    Parameter("start", INTEGER, required=False),
    Parameter("compareType", WORD, required=False),
    example='InStr("repEated", "e", 3, vbBinaryCompare)',
    result="7",
)
def in_str(value1: str | None, value2: str, start: int | None = None, compare_type: str | None = None) -> int:
    """Answers the position, from 1, at which value1 first holds value2, at or after the position start.

    Where the page is silent, as in VBA and Entra Connect: 0 if it is not there, upper and lower case differ unless
    compareType is vbTextCompare, and an empty value2 is found at once. A start below 1 is refused.
    """
    start = 1 if start is None else start
    if start < 1:
        raise RefusedError("start counts from 1")
    source = value1 or ""
    if compare_type == "vbTextCompare":
        source, value2 = lower(source), lower(value2)
    return source.find(value2, start - 1) + 1


@function(
    "Left",
    Parameter("String", TEXTS),
    Parameter("NumChars", INTEGER),
    example='Left("John Doe", 3)',
    result='"Joh"',
)
def left(string: str | None, num_chars: int) -> str:
    """Answers that many characters from the left: all if NumChars is negative or too large, "" if the text is null."""
    if string is None:
        return ""
    return string if num_chars < 0 else string[:num_chars]


@function(
    "Mid",
    Parameter("source", TEXTS),
    Parameter("start", INTEGER),
    Parameter("length", INTEGER),
    example="Mid([surname], 1, 5)",
    result='"Doe"',
)
def mid(source: str | None, start: int, length: int) -> str | None:
    """Answers length characters from the position start, counted from 1, or as many as there are.

    Where the page is silent: nothing is left of a source shorter than start, so the answer is ""; a start below 1 and a
    negative length are refused.
    """
    if start < 1:
        raise RefusedError("start counts from 1")
    if length < 0:
        raise RefusedError("length is negative")
    return None if source is None else source[start - 1 : start - 1 + length]


@function(
    "NormalizeDiacritics",
    Parameter("source", TEXTS),
    example='NormalizeDiacritics("Zoë")',
    result='"Zoe"',
)
def normalize_diacritics(source: str | None) -> str | None:
    """Replaces letters with diacritical marks by the letters the page's table gives: ä by a, ø by oe, ß by ss.

    Where the table is silent: a Latin letter it does not list loses its marks in the same way (ế gives e), œ gives oe
    like the œ̄ it lists, and every other character (đ, þ, й, が) stays.
    """
    return source if source is None or source.isascii() else without_diacritics(source)


_TITLE_WORD: Final = regex.compile(r"\p{L}(?:[^\p{Z}\p{Cc}\p{Cf}\p{P}\p{S}]|')*")


@lru_cache(maxsize=64)
def _words_between(separators: str) -> re.Pattern[str]:
    return re.compile(f"[^{re.escape(separators)}]+" if separators else r"(?s:.+)")


@function(
    "PCase",
    Parameter("source", TEXTS),
    Parameter("wordSeparators", TEXT, required=False),
    example='PCase("PINTO-DE\'SILVA", " \'-")',
    result='"Pinto-De\'Silva"',
)
def pcase(source: str | None, word_separators: str | None = None) -> str | None:
    """Puts the first character of each word in upper case and the others in lower case.

    With wordSeparators, words are what stands between those characters (all is one word if they are ""). Without, they
    are what .NET's ToTitleCase takes for words: they start at a letter and end at a space or at punctuation, a symbol
    or a control character other than an apostrophe, so that "o'neil" gives "O'neil" and "1st" gives "1St".
    """
    if source is None:
        return None
    words = _TITLE_WORD if word_separators is None else _words_between(word_separators)
    return words.sub(_capitalized, lower(source))


def _capitalized(match: "re.Match[str] | regex.Match[str]") -> str:
    word = match[0]
    return upper(word[0]) + word[1:]


@function("StripSpaces", Parameter("source", TEXTS), example='StripSpaces("John  Doe")', result='"JohnDoe"')
def strip_spaces(source: str | None) -> str | None:
    """Removes every space from the text; as the page has it, only " ", no tab and no other white space."""
    return None if source is None else source.replace(" ", "")


@function(
    "ToLower",
    Parameter("source", TEXTS),
    Parameter("culture", TEXT, required=False),
    example='ToLower("John.Smith@Contoso.com")',
    result='"john.smith@contoso.com"',
)
def to_lower(source: str | None, culture: str | None = None) -> str | None:
    """Puts text in lower case, by the invariant culture's rules or those of a culture such as tr-TR.

    As in .NET, a character becomes one character. Only Turkish and Azerbaijani have rules of their own (I gives ı).
    """
    if source is None:
        return None
    return lower(source.translate({0x49: 0x131, 0x130: 0x69}) if _is_turkic(culture) else source)


@function(
    "ToUpper",
    Parameter("source", TEXTS),
    Parameter("culture", TEXT, required=False),
    example='ToUpper("Straße")',
    result='"STRAßE"',
)
def to_upper(source: str | None, culture: str | None = None) -> str | None:
    """Puts text in upper case, by the invariant culture's rules or those of a culture such as tr-TR.

    As in .NET, a character becomes one character, so ß stays. Only Turkish and Azerbaijani have rules of their own
    (i gives İ).
    """
    if source is None:
        return None
    return upper(source.translate({0x69: 0x130, 0x131: 0x49}) if _is_turkic(culture) else source)


_CULTURE: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


def _is_turkic(culture: str | None) -> bool:
    if not culture:
        return False
    if not _CULTURE.fullmatch(culture):
        raise RefusedError("a culture is written as in en-US")
    return culture.partition("-")[0].lower() in {"tr", "az"}


def lower(text: str) -> str:
    """The text in lower case as .NET's invariant culture has it, character by character."""
    return text.lower() if text.isascii() else "".join(map(_one_to_one(str.lower), text))


def upper(text: str) -> str:
    """The text in upper case as .NET's invariant culture has it, character by character."""
    return text.upper() if text.isascii() else "".join(map(_one_to_one(str.upper), text))


def _one_to_one(change: Callable[[str], str]) -> Callable[[str], str]:
    """A change of case that leaves alone what it would make longer, and the dotless ı and dotted İ."""

    def changed(char: str) -> str:
        other = change(char)
        return other if len(other) == 1 and char not in "ıİ" else char

    return changed


@function(
    "Word",
    Parameter("String", TEXT),
    Parameter("WordNumber", INTEGER),
    Parameter("Delimiters", PLAIN),
    example='Word("This,string!has&many separators", 3, ",!&#")',
    result='"has"',
)
def word(string: str | None, word_number: int, delimiters: str) -> str:
    """Answers the word with that number, from 1, words being what stands between any of the delimiters.

    "" if there is no such word, the number is below 1 or the text is null. Delimiters in a row separate once. The page
    gives the first parameter the type of a multi-valued attribute but uses it as a text; one value is taken.
    """
    if not string or word_number < 1:
        return ""
    words = _words_between(delimiters).findall(string)
    return words[word_number - 1] if word_number <= len(words) else ""
