"""An application with its own RQ; the monitor cannot import it."""
