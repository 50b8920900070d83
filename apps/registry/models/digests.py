"""What is known of the bytes of files in MLflow."""

from django.db import models

from apps.registry.models.connection import DEFAULT_CONNECTION, Connection


class ArtifactDigest(models.Model):
    """The SHA-256 of a file as it was last uploaded through the door.

    `ticket` names the upload that is on its way or was the last: where two crossed, nobody knows whose bytes MLflow
    kept, and `sha256` is empty, as it is while one is on its way.
    """

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, default=DEFAULT_CONNECTION)
    holder = models.CharField(max_length=64)  # a run, logged model or trace, as MLflow names it
    path = models.TextField()  # in the holder's folder of artifacts
    sha256 = models.CharField(max_length=64, blank=True)  # hex; empty: not known
    size = models.BigIntegerField(default=0)  # bytes
    by = models.TextField()
    at = models.DateTimeField()
    ticket = models.CharField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "holder", "path"], name="registry_artifact_digest_one")
        ]

    def __str__(self) -> str:
        return f"{self.holder}/{self.path}"
