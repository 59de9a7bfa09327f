"""`python -m rq_mon.cli`: the same as `rqmon`."""

import sys

from rq_mon.cli.main import main

sys.exit(main())
