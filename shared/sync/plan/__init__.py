"""Plan: the difference between desired and confirmed state, as an object that can be shown, judged and refused."""
