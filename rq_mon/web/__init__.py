"""Single jobs in a browser: pages rendered here, without scripts, that unpickle nothing."""
