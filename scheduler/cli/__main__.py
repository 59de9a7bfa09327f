"""`python -m scheduler.cli`: the same as `rqmon`."""

import sys

from scheduler.cli.main import main

sys.exit(main())
