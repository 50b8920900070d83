"""Does a file of rows fit a model's signature? Pure: nothing is stored, logged or written to disk."""

from apps.registry.data_check.checking import Finding, Report, check
from apps.registry.data_check.schema import Schema, schema_of
from apps.registry.data_check.sources import UnreadableData

__all__ = ["Finding", "Report", "Schema", "UnreadableData", "check", "schema_of"]
