"""The audit log: who did or read what. Ids only, never an answer's text or a candidate."""

import logging

audit = logging.getLogger("audit")
