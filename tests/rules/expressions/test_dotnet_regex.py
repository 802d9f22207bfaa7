"""Regular expressions of .NET's: what they match and put in place, and what is refused.

Source: "Regular expression language - quick reference" and "Substitutions" in .NET's documentation.
"""

import pytest

from shared.rules.expressions.dotnet_regex import compile_pattern, substitute
from shared.rules.expressions.errors import RefusedError

ROWS: list[tuple[str, str, str, str]] = [
    (r"(?<a>\d)(?<b>\d)", "${b}${a}", "12 34", "21 43"),
    (r"(?'a'\d)x", "${a}", "1x", "1"),
    (r"(?<n>a)(b)", "$1$2", "ab", "ba"),  # unnamed groups are numbered before named ones
    (r"(?<n>a)(b)\1", "-", "abb aba", "- aba"),
    (r"(a)(?<n>b)\k<n>", "-", "abb", "-"),
    (r"a", "$&$&", "ba", "baa"),
    ("b", "[$`|$'|$_]", "abc", "a[a|c|abc]c"),
    (r"(a)(b)?", "$+", "ac", "c"),
    ("a", "$$1 $9 ${no} $", "a", "$1 $9 ${no} $"),
    ("x*", "-", "abc", "-a-b-c-"),
    ("[a-z-[aeiou]]+", "*", "hello", "*e*o"),
    (r"[\w-]+", "*", "a-b c", "* *"),
    ("[[]", "*", "[", "*"),
    ("[]a]+", "*", "]a", "*"),
    ("[&&||~~--]+", "*", "a&|~-b", "a*b"),
    ("a{,2}", "*", "a{,2}", "*"),
    ("a{2}", "*", "aaa", "*a"),
    ("(?:foo){e<=1}", "*", "fo foo{e<=1}", "fo *"),
    (r"\p{IsCyrillic}+", "*", "йван a", "* a"),
    (r"\p{Lu}", "*", "aB", "a*"),
    (r"(?i)SS", "*", "ß ss", "ß *"),
    (r"a(?i:B)c", "*", "aBc abc abC", "* * abC"),
    (r"\Aa|b\z", "*", "ab", "**"),
    (r"b\Z", "*", "b\n", "*\n"),
    (r"(?<=a)b(?!c)", "*", "ab abc", "a* abc"),
    (r"(?>a+)b", "*", "aab", "*"),
    (r"a(?#comment)b", "*", "ab", "*"),
    (r"\x41\u0042\e\cA", "*", "AB\x1b\x01", "*"),
    (r"\$\.\-\ ", "*", "$.- ", "*"),
    (".", "x", "😀", "x"),
    ("", "-", "ab", "-a-b-"),
]


@pytest.mark.parametrize(("pattern", "replacement", "source", "expected"), ROWS)
def test_substituted(pattern: str, replacement: str, source: str, expected: str) -> None:
    assert substitute(compile_pattern(pattern), replacement, source) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "(", ")", "[a", "[]", "a++", "a**", "*a", "a|*", "a{2}{3}", "a{3,2}", "\\", "(?<", "(?<a", "(?<1>a)",
        "(?<a-b>c)", "(?R)", "(?1)", "(?P<a>b)", "(?|a)", "(?n)a", "(?x)a", "(?(a)b|c)", r"\1", r"\k<a>", r"\K", r"\X",
        r"\L<a>", r"\q", r"\p{Nonsense}", "(?#open", "((a{100}){100}){100}", "(?:(?:a{1000}){1000}){1000}",
        "(" * 60 + ")" * 60, "a" * 1_001, "a{99999999999999999999}", r"(?i", "[z-a]",
    ],
)  # fmt: skip
def test_refused(pattern: str) -> None:
    with pytest.raises(RefusedError):
        compile_pattern(pattern)
