"""The README says what the binaries say."""
from readme_tables import ROOT, readme, section, stands


def test_configuration_tables_are_those_of_the_binaries():
    assert stands() == section(), "run: EARSHOT_BIN=build/bin tests/integration/readme_tables.py --write"


def test_files_that_are_named_exist():
    import re
    for path in re.findall(r"\]\(([a-z][^):#]*)\)", readme()):
        assert (ROOT / path).exists(), path
