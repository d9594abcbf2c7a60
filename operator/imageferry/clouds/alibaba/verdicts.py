"""This cloud's table of errors, applied as clouds/verdicts.py says."""

from typing import Final

from imageferry.clouds.alibaba.faults import documented, row
from imageferry.clouds.verdicts import Verdicts

VERDICTS: Final = Verdicts(row=row, documented=documented, throttling="Throttling")

reading, submitting, ended = VERDICTS.reading, VERDICTS.submitting, VERDICTS.ended
