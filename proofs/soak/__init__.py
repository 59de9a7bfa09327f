"""An hour of load on a copy of the stack: what grows, and how fast."""
