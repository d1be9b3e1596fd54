#!/usr/bin/env python3
"""Prints the README's configuration section from the option tables of the binaries; `--write` puts it there."""
import subprocess
import sys

from house import BIN, ROOT

BEGIN, END = "<!-- configuration: begin -->\n", "<!-- configuration: end -->\n"
COMMANDS = [("earshot-broker", []), ("earshot-edge", []), ("earshot-transcriber", []), ("earshot-room", []), ("earshot-jobs", []),
            ("earshot-analysis", []),
            ("earshot", ["up"]), ("earshot", ["stream"]), ("earshot", ["chat"]), ("earshot", ["status"]), ("earshot", ["doctor"]), ("earshot", ["drain"]),
            ("earshot", ["token"]), ("earshot", ["keygen"]), ("earshot", ["keys", "add"]), ("earshot", ["keys", "list"])]  # keys revoke has no options of its own
JOBS = [("earshot", ["jobs", command]) for command in ("submit", "list", "show", "watch", "cancel")]


def rows(command):
    out = subprocess.run([BIN / command[0], *command[1], "--help-markdown"], check=True, capture_output=True, text=True).stdout
    return out.splitlines()


def section():
    tables = {" ".join([name, *more]): rows((name, more)) for name, more in COMMANDS}
    actors = [set(tables[name]) for name in ("earshot-broker", "earshot-edge", "earshot-transcriber", "earshot-room", "earshot-jobs", "earshot-analysis")]
    common = [row for row in tables["earshot-broker"] if all(row in table for table in actors)]
    parts = ["**Every actor**\n\n" + "\n".join(common) + "\n"]
    for name, table in tables.items():
        own = [row for row in table if row not in common]
        parts.append(f"**{name}**\n\n" + "\n".join(common[:2] + own) + "\n")
    *jobs, every = [rows(command) for command in JOBS]  # cancel, retry and rm have no options of their own
    parts.append("**earshot jobs**, every command\n\n" + "\n".join(every) + "\n")
    for (_, name), table in zip(JOBS, jobs):
        parts.append(f"**earshot {' '.join(name)}**\n\n" + "\n".join(every[:2] + [row for row in table if row not in every]) + "\n")
    return BEGIN + "\n" + "\n".join(parts) + "\n" + END


def readme():
    return (ROOT / "README.md").read_text()


def stands():
    text = readme()
    return text[text.index(BEGIN):text.index(END) + len(END)]


if __name__ == "__main__":
    if "--write" in sys.argv:
        text = readme()
        (ROOT / "README.md").write_text(text.replace(stands(), section()))
    else:
        print(section())
