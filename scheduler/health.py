"""`python -m scheduler.health`, the old name of `python -m rq_mon.health`; the next release drops it."""

import runpy

if __name__ == "__main__":
    runpy.run_module("rq_mon.health", run_name="__main__")
