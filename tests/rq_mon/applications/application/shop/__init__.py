"""An application with an RQ of its own; nothing of it can be imported where the monitor runs."""
