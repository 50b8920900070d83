"""Lines of the log, without the secrets that an address or a sentence in them holds."""

import logging
from typing import Any

from apps.masking import masked

OF_THE_WEB_SERVER = ("gunicorn.error", "gunicorn.access")  # these have handlers of their own
_formatter = logging.Formatter()


class MaskedLines(logging.Filter):
    """Masks what a record says, its traceback included, before anything writes it. Keeps every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        shown = masked(said)
        if shown != said:
            record.msg, record.args = shown, ()
        if record.exc_info and not record.exc_text:  # kept in the record, from where every handler takes it
            record.exc_text = masked(_formatter.formatException(record.exc_info))
        return True


def mask_the_web_server() -> None:
    """Mask the lines of gunicorn too, which names the address of a request that failed, and of each one if asked to."""
    for name in OF_THE_WEB_SERVER:
        logging.getLogger(name).addFilter(MaskedLines())


def logging_to_stderr(level: str) -> dict[str, Any]:
    """Return Django's LOGGING: lines of this level and above, masked, on standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
        "filters": {"masked": {"()": "config.logs.MaskedLines"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["masked"]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "django.server": {"handlers": ["stderr"], "level": "INFO", "propagate": False},  # of manage.py runserver
        },
    }
