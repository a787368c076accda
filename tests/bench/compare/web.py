"""Servers on loopback that have objects: nginx with a folder, and a bucket of small ones."""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

from .paths import BUILD

CONFIGURATION = """\
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {root};
  }}
}}
"""


class Nginx:
    """Debian's, as a process of our own."""

    def __init__(self, root):
        # Bound and not listening: nobody else is given the port meanwhile.
        self.reserved = socket.socket()
        self.reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.reserved.bind(("127.0.0.1", 0))
        self.port = self.reserved.getsockname()[1]
        folder = pathlib.Path(tempfile.mkdtemp(prefix="nginx.", dir=root))
        configuration = folder / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(folder=folder, port=self.port, root=root))
        program = "/usr/sbin/nginx"  # which is in root's PATH alone
        if not os.path.exists(program):
            sys.exit("nginx is not installed (script/bootstrap)")
        self.process = subprocess.Popen([program, "-e", "stderr", "-p", str(folder), "-c", str(configuration)])
        while not self.answers():
            if self.process.poll() is not None:
                sys.exit("nginx has ended")
            time.sleep(0.01)

    def answers(self):
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.reserved.close()


class Bucket:
    """s3://bucket/in/*.csv: a data set's first records, so many in each object."""

    def __init__(self, data, objects, rows):
        self.process = subprocess.Popen([str(BUILD / "bench_s3"), data.path, str(objects), str(rows)], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def end(self):
        self.process.terminate()
        self.process.wait()
