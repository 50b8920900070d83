"""Uploads stay in memory, of bounded size: what people let Assent check is never written to a disk."""

import io
from typing import Any

from django import forms
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.utils.translation import gettext_lazy

from apps.registry.data_check.sources import MAX_BYTES

MAX_BODY = MAX_BYTES + 64 * 1024  # with the other fields of its form, and what parts them
READ_TO_THE_END = 5 * MAX_BYTES  # a browser shows an answer only after it could send everything


class BoundedMemoryUploadHandler(FileUploadHandler):
    """Keeps a file of at most MAX_BYTES; a larger one is dropped, and `request.upload_too_large` set."""

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *args: Any, **kwargs: Any) -> None:  # noqa: N803
        self._announced = content_length

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._file = io.BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > MAX_BYTES:
            self.request.upload_too_large = True  # type: ignore[union-attr]
            raise StopUpload(connection_reset=self._announced > READ_TO_THE_END)
        self._file.write(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        self._file.seek(0)
        return InMemoryUploadedFile(
            file=self._file,
            field_name=self.field_name,
            name=self.file_name,
            content_type=self.content_type or "",
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )


class DataFile(forms.Form):
    """A file of rows to check."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("CSV with a header, or JSON as MLflow's scoring takes it; UTF-8, at most 10 MB."),
        widget=forms.FileInput(attrs={"accept": ".csv,.json,text/csv,application/json"}),
        allow_empty_file=True,  # data_check says better what is wrong with one
    )

    @property
    def is_json(self) -> bool:
        """Whether the clean file is JSON: by its first sign, whatever its name."""
        file = self.cleaned_data["file"].file
        start = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
        file.seek(0)
        return start[:1] in (b"{", b"[")
