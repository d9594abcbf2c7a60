"""This cloud's table of errors, applied as clouds/verdicts.py says."""

from typing import Final

from imageferry.clouds.tencent.faults import documented, row
from imageferry.clouds.verdicts import Verdicts

VERDICTS: Final = Verdicts(row=row, documented=documented, throttling="RequestLimitExceeded")

reading, submitting = VERDICTS.reading, VERDICTS.submitting
