"""The bounded calls of apps/transport.py, as the registry's modules and the apps above it import them."""

from apps.transport import BoundedTransport as BoundedTransport
from apps.transport import tls_context as tls_context
from apps.transport import within as within
