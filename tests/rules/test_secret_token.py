"""Two secret tokens may live."""

from shared.rules.secret_token import newest_only, token_hash, with_token


def test_the_newest_two_live() -> None:
    first = with_token((), "one")
    second = with_token(first, "two")
    assert first == (token_hash("one"),)
    assert second == (token_hash("two"), token_hash("one"))
    assert with_token(second, "three") == (token_hash("three"), token_hash("two"))
    assert newest_only(second) == (token_hash("two"),)
    assert newest_only(()) == ()
