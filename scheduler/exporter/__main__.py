"""`python -m scheduler.exporter`, the old name of `python -m rq_mon.exporter`; the next release drops it."""

import runpy

if __name__ == "__main__":
    runpy.run_module("rq_mon.exporter", run_name="__main__")
