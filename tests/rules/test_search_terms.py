"""What a person is found by while his name is typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.search_terms import LONGEST, search_prefix, search_terms
from shared.tables.identities import MOST_TEXTS


@pytest.mark.parametrize(
    ("name", "user_name", "expected"),
    [
        ("Anna Müller", "anna.m@contoso.example", ("anna_muller", "muller", "anna.m@contoso.example")),
        ("  ÅSA   Öberg ", "asa", ("asa_oberg", "oberg", "asa")),
        (None, "x@y", ("x@y",)),
        ("Cher", "cher", ("cher",)),
        ("a b c d e", "u", ("a_b_c_d_e", "b_c_d_e", "c_d_e", "d_e", "u")),
        ("O'Neil: 50%/#?", "u", ("o_neil__50____", "50____", "u")),
        ("山田 太郎", "t", ("=e5b1b1=e794b0_=e5a4aa=e9838e", "=e5a4aa=e9838e", "t")),
    ],
)
def test_each_word_begins_a_text(name: str | None, user_name: str, expected: tuple[str, ...]) -> None:
    assert search_terms(name, user_name) == expected


@pytest.mark.parametrize("typed", ["anna", "ANNA", "ann", "Anna M", "mul", "müll", "Mull", "anna.m@"])
def test_a_beginning_finds(typed: str) -> None:
    assert any(text.startswith(search_prefix(typed)) for text in search_terms("Anna Müller", "anna.m@contoso.example"))


@given(st.text(max_size=60), st.text(max_size=60), st.integers(1, 60))
def test_texts_are_keys_and_any_beginning_of_a_name_finds_it(name: str, user_name: str, length: int) -> None:
    texts = search_terms(name, user_name)
    assert len(texts) <= MOST_TEXTS
    for text in texts:
        assert text.isascii()
        assert not set(text) & set("/\\#?:~'\x7f")
        assert all(character > " " for character in text)
        assert len(text) <= LONGEST * 9
    if prefix := search_prefix(name[:length]):
        assert any(text.startswith(prefix) for text in texts)
