"""Tests of environments: entering, looking, operating, adding, exam windows."""
