"""Files that people upload, read as sorted ticks or bars of named symbols."""

from alphastream.uploads.containers import Part
from alphastream.uploads.upload import Layout, Upload, check_size, combine, inspect, read, require_pair

__all__ = ["Layout", "Part", "Upload", "check_size", "combine", "inspect", "read", "require_pair"]
