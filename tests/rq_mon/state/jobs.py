"""Jobs for real workers."""

from __future__ import annotations


def succeed() -> None:
    return


def fail() -> None:
    raise ValueError("no")
