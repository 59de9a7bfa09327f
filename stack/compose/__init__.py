"""The stack as containers, run by Docker Compose."""

from stack.compose.runtime import ComposeRuntime

__all__ = ["ComposeRuntime"]
