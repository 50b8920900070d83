"""Versions side by side: what differs, what it means to callers, and which is better where that can be said.

Pure: versions and directions come in, nothing is read.
"""

from apps.registry.comparing.comparison import Comparison, compare
from apps.registry.comparing.directions import Directions
from apps.registry.comparing.metrics import MetricCell, MetricRow, metric_rows
from apps.registry.comparing.rows import Row

__all__ = ["Comparison", "Directions", "MetricCell", "MetricRow", "Row", "compare", "metric_rows"]
