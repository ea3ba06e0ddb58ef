"""Reading mail that comes in: bytes to a `Letter`, without a database, whatever the bytes are."""

from crm_graph.mail.inbound.letter import Bounce, File, Letter
from crm_graph.mail.inbound.reading import identity, read

__all__ = ["Bounce", "File", "Letter", "identity", "read"]
