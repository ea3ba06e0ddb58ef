"""Whether a port is free, before anything slow is done for a server that could not have it."""

import os
import socket
import sys

host, given = os.environ.get("CRM_GRAPH_HOST", "127.0.0.1"), sys.argv[1]
if not (given.isascii() and given.isdigit() and 0 < int(given[:6]) < 65_536):
    sys.exit(f"{given!r} is no port: choose a number from 1 to 65535, such as make run PORT=8000")
port = int(given)
with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
    tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        tried.bind((host, port))
    except OSError as error:
        sys.exit(f"Cannot listen on {host} port {port}: {error.strerror}. Choose another: make run PORT={port + 1}")
