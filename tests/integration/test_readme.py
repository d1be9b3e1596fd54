"""The README says what the binaries say."""
from readme_tables import ROOT, readme, section, stands


def test_configuration_tables_are_those_of_the_binaries():
    assert stands() == section(), "run: EARSHOT_BIN=build/bin tests/integration/readme_tables.py --write"


def test_the_check_of_webhooks_checks():
    import hashlib
    import hmac
    import textwrap
    import time
    text = readme()
    code = text[text.index("    import hashlib, hmac, time"):text.index("**Where jobs are kept.**")]
    names, now, body = {}, str(int(time.time())), b'{"type":"job.completed"}'
    exec(textwrap.dedent(code), names)

    def header(when, key=b"a key"):
        return f"t={when},v1=" + hmac.new(key, when.encode() + b"." + body, hashlib.sha256).hexdigest()
    check = names["is_of_earshot"]
    assert check("a key\n", header(now), body)
    assert not check("a key", header(now, b"another"), body)
    assert not check("a key", header(now), body + b" ")
    assert not check("a key", header("1700000000"), body)


def test_files_that_are_named_exist():
    import re
    for path in re.findall(r"\]\(([a-z][^):#]*)\)", readme()):
        assert (ROOT / path).exists(), path
