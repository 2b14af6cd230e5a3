"""Keys of rows in addresses."""

from django.urls import register_converter
from django.urls.converters import IntConverter


class KeyConverter(IntConverter):
    """A key that fits PostgreSQL's bigint."""

    regex = "[0-9]{1,18}"


register_converter(KeyConverter, "key")
