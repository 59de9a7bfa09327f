"""`python -m scheduler.cli`, the old name of `python -m rq_mon.cli`; the next release drops it."""

import runpy

if __name__ == "__main__":
    runpy.run_module("rq_mon.cli", run_name="__main__")
