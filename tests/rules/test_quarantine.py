"""What a page says of Entra's quarantine."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.rules.quarantine import forecast

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (None, "After 4 weeks in quarantine it switches the job off"),
        (1, "This ends before Entra would switch the job off"),
        (27.9, "This ends before Entra would switch the job off"),
        (28, "This may last longer than 4 weeks. After 4 weeks in quarantine"),
        (90, "This may last longer than 4 weeks. After 4 weeks in quarantine"),
    ],
)
def test_what_entra_will_do(days: float | None, said: str) -> None:
    told = forecast(None if days is None else NOW + timedelta(days=days), NOW)
    assert "5,000 or more fail in a cycle, and 40 %" in told
    assert said in told
