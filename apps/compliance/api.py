"""The app's part of the API."""

from apps.compliance.controls import api as controls
from apps.compliance.holds import api as holds
from apps.compliance.matrix import api as matrix
from apps.compliance.packages import api as packages

urlpatterns = [
    *matrix.urlpatterns,
    *controls.urlpatterns,
    *holds.urlpatterns,
    *packages.urlpatterns,
]
