"""Whether a port is free, before anything slow is done for a server that could not have it."""

import os
import socket
import sys

host, port = os.environ.get("CRM_GRAPH_HOST", "127.0.0.1"), int(sys.argv[1])
with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
    tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        tried.bind((host, port))
    except OSError as error:
        sys.exit(f"Cannot listen on {host} port {port}: {error.strerror}. Choose another: make run PORT={port + 1}")
