"""Parameters that several calls share."""

from drf_spectacular.utils import OpenApiParameter

from pmscoring.base.api.schema import CODE

EXAM_CODE = OpenApiParameter("code", CODE, OpenApiParameter.PATH)
