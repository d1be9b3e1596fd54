#!/usr/bin/python3
"""wer.py [--build DIR] [RECORDING...]: word errors of the transcriber beside pocketsphinx_continuous on the same files.

Recordings are 16 kHz mono, .wav or .raw, each with its transcript in a .txt beside it; default: all of $EARSHOT_SPEECH or ../shared/speech."""
import argparse
import os
import pathlib
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = pathlib.Path(os.environ.get("EARSHOT_MODEL_DIR", "/usr/share/pocketsphinx/model/en-us"))


def errors(said, truth):
    """Least number of words to change, insert or delete."""
    row = list(range(len(said) + 1))
    for i, word in enumerate(truth, 1):
        last, row[0] = row[0], i
        for k, other in enumerate(said, 1):
            last, row[k] = row[k], min(row[k] + 1, row[k - 1] + 1, last + (word != other))
    return row[-1]


def words(text):
    return text.lower().split()


def ours(build, path):
    return subprocess.run([build / "tests" / "decode_file", path], check=True, capture_output=True, text=True).stdout


def theirs(path):
    command = ["pocketsphinx_continuous", "-infile", path, "-logfn", "/dev/null", "-hmm", MODEL / "en-us", "-lm", MODEL / "en-us.lm.bin",
               "-dict", MODEL / "cmudict-en-us.dict"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def measure(listen, path, truth):
    begin = time.monotonic()
    heard = words(listen(path))
    return heard, errors(heard, truth), time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--words", action="store_true", help="print what was heard")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    speech = pathlib.Path(os.environ.get("EARSHOT_SPEECH", ROOT.parent / "shared" / "speech"))
    files = args.files or sorted(p for p in speech.iterdir() if p.suffix in (".wav", ".raw"))
    total = [0, 0, 0]
    print(f"{'recording':40} {'words':>5}  {'earshot':>14}  {'pocketsphinx_continuous':>24}")
    for path in files:
        truth = words(path.with_suffix(".txt").read_text())
        heard, wrong, took = measure(lambda p: ours(args.build, p), path, truth)
        peer_heard, peer_wrong, peer_took = measure(theirs, path, truth)
        print(f"{path.name[:40]:40} {len(truth):5}  {wrong:3} {100 * wrong / len(truth):4.0f} % {took:4.1f} s"
              f"  {peer_wrong:13} {100 * peer_wrong / len(truth):4.0f} % {peer_took:3.1f} s")
        if args.words:
            print(f"    truth:   {' '.join(truth)}\n    earshot: {' '.join(heard)}\n    peer:    {' '.join(peer_heard)}")
        total = [total[0] + len(truth), total[1] + wrong, total[2] + peer_wrong]
    print(f"{'all':40} {total[0]:5}  {total[1]:3} {100 * total[1] / total[0]:4.0f} %         {total[2]:13} {100 * total[2] / total[0]:4.0f} %")


if __name__ == "__main__":
    main()
