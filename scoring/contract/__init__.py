"""The JSON Schemas that incoming documents must fit, and the faults that are reported."""
