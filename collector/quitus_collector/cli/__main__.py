"""`python -m quitus_collector.cli`: the command, where no script of that name is at hand."""

import sys

from quitus_collector.cli import main

sys.exit(main())
