"""The shop counter on WhatsApp."""

# Read by any Python that somebody may start us with, so nothing here is newer than Python 2.7.
import sys

if sys.version_info[:2] != (3, 10):
    sys.exit(
        "Mostrador needs Python 3.10 (Rasa 3.6 runs on no newer one) and this is %d.%d: "
        "run `make run`, or scripts/bootstrap and then .venv/bin/mostrador." % sys.version_info[:2]
    )
