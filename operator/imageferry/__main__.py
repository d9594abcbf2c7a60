"""`python -m imageferry` is the command line."""

import sys

from imageferry.cli import main

sys.exit(main())
