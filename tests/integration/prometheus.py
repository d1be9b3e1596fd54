"""Pages of --metrics: fetched, and read as strictly as Prometheus does."""
import re
import urllib.error
import urllib.request

from house import SLOW

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="[^"\\\n]*",?)*)\})? (\d+(?:\.\d+)?)$')


def get(url, token=None):
    """(status, body)"""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10 * SLOW) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def parse(page):
    """{name: {labels: value}}. Each family stands together, under its own HELP and TYPE, which come once; no sample comes twice."""
    families, helped, typed, last = {}, set(), {}, None
    assert page.endswith("\n")
    for line in page.splitlines():
        if line.startswith("# HELP "):
            _, _, name, text = line.split(" ", 3)
            assert name not in helped and text.strip(), line
            helped.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in typed and kind in ("counter", "gauge"), line
            assert name.endswith("_total") == (kind == "counter"), line
            typed[name] = kind
        else:
            sample = SAMPLE.match(line)
            assert sample, f"not a sample: {line}"
            name, labels, value = sample.groups()
            assert name in helped and name in typed, f"without HELP and TYPE: {line}"
            assert name == last or name not in families, f"does not stand with its family: {line}"
            assert labels not in families.setdefault(name, {}), f"twice: {line}"
            families[name][labels], last = float(value), name
    return families
