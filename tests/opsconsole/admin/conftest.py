"""Who looks at the console's pages."""

import pytest
from django.test import Client

from tests.clients import signed_in


@pytest.fixture
def operator() -> Client:
    """Signed in as one who acts."""
    return signed_in("operator")


@pytest.fixture
def viewer() -> Client:
    """Signed in as one who only sees."""
    return signed_in("viewer")
