"""Who asks for a deed, told from the request by which they ask."""

from django.http import HttpRequest
from rest_framework.request import Request

from opsconsole.models import Caller, Event
from pmscoring.base.addresses import address_of


def caller_of(request: HttpRequest | Request) -> Caller:
    """The user's name, the door (the admin or REST), and the address.

    NUM_PROXIES says which part of X-Forwarded-For counts as the address.
    """
    door = Event.Source.REST if isinstance(request, Request) else Event.Source.ADMIN
    return Caller(request.user.get_username(), door.value, address_of(request))
