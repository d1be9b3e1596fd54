"""Every option of every actor is in the house's list (actors/runtime/config_common.c), and the list has no other."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
option = re.compile(r'ES_OPT_(?:UINT|STR|SECRET|FLAG|CHOICE|DURATION)\(\s*\w+\s*,\s*[\w.]+\s*,\s*"([^"]+)"')
renamed = re.compile(r'ES_OPT_(?:STR|FLAG)_AS\(\s*\w+\s*,\s*[\w.]+\s*,\s*"[^"]+"\s*,\s*"([^"]+)"')
sources = [path for folder in ("broker", "actors") for path in (root / folder).rglob("*.[ch]")]
said = {name.upper().replace("-", "_") for path in sources for known in (option, renamed) for name in known.findall(path.read_text())}
text = (root / "actors/runtime/config_common.c").read_text()
literal = re.search(r"house_names\[\] =\n(.*?);", text, re.S).group(1)
known = {name for line in re.findall(r'"([^"]*)"', literal) for name in line.split()}
for name in sorted(said - known):
    print(f"EARSHOT_{name} is an option but not in house_names of actors/runtime/config_common.c: add it")
for name in sorted(known - said):
    print(f"EARSHOT_{name} is in house_names of actors/runtime/config_common.c, but no actor has it: remove it")
sys.exit(said != known)
