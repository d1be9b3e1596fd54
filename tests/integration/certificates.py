"""Certificates made on the spot, each its own root."""
import os
import pathlib
import ssl
import subprocess


class Certificate:
    """`cert` and `key`, PEM files in a directory. Made again, they are others."""

    def __init__(self, directory, name="localhost"):
        self.cert, self.key = pathlib.Path(directory) / f"{name}.pem", pathlib.Path(directory) / f"{name}.key"
        self.make(name)

    def make(self, name="localhost"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                        "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.key, "-out", self.cert],
                       check=True, capture_output=True)
        os.chmod(self.key, 0o600)

    @property
    def flags(self):
        return ["--tls-cert", self.cert, "--tls-key", self.key]

    def trusting(self):
        """What a client needs that believes this certificate and no other."""
        return ssl.create_default_context(cafile=self.cert)

    def der(self):
        return ssl.PEM_cert_to_DER_cert(self.cert.read_text())
