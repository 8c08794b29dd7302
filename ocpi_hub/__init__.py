"""OCPI Hub: a roaming hub for EV charging.

Partner networks connect once by OCPI 2.2 or 2.2.1 and reach everybody; cars ask where a plug is
free; operators run it through an admin API. Start at `bootstrap.py`: it knows every room.
"""

__version__ = "0.1.0"
