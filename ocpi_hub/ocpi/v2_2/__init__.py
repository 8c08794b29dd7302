"""OCPI 2.2: the same modules and rows as 2.2.1; the messages differ in a few fields.

Partners of both versions share one token, one register and one code path; the prefix of the URL
tells which version a request speaks. Here are only the models that differ, each made from that of
2.2.1; `ocpi.dialect` turns the messages themselves.
"""

from ocpi_hub.ocpi.v2_2_1 import MODULES

__all__ = ["MODULES", "VERSION"]

VERSION = "2.2"
