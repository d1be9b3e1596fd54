#!/usr/bin/env bash
# Reads from each binary whether the compiler and the linker did what deploy/hardening.cmake asks for.
#   check-hardening.sh BINARY...
set -euo pipefail
[ $# -gt 0 ] || { echo 'usage: check-hardening.sh BINARY...' >&2; exit 2; }
bad=0
complain() { echo "hardening: $*" >&2; bad=1; }

for binary; do
    name=${binary##*/}
    header=$(readelf -hW "$binary")
    segments=$(readelf -lW "$binary")
    dynamic=$(readelf -dW "$binary")
    symbols=$(readelf --dyn-syms -W "$binary")
    grep -q 'Type: *DYN' <<<"$header" || complain "$name is loaded at a fixed address: it is no PIE"
    grep -q 'FLAGS_1.*PIE' <<<"$dynamic" || complain "$name has no mark of a PIE"
    grep -q GNU_RELRO <<<"$segments" || complain "$name leaves its tables writable: no RELRO"
    grep -qE 'BIND_NOW|FLAGS_1.*NOW' <<<"$dynamic" || complain "$name binds lazily, so RELRO is partial"
    if grep -E '^ *GNU_STACK' <<<"$segments" | grep -q 'E '; then complain "$name has an executable stack"; fi
    if grep -qE '^ *LOAD .* RWE ' <<<"$segments"; then complain "$name has a segment that is writable and executable"; fi
    if grep -q TEXTREL <<<"$dynamic"; then complain "$name relocates its code"; fi
    if grep -qE 'RPATH|RUNPATH' <<<"$dynamic"; then complain "$name has a path of libraries of its own"; fi
    grep -q __stack_chk_fail <<<"$symbols" || complain "$name has no stack protector"
    grep -qE '__[a-z]+_chk(@| |$)' <<<"$(grep -v __stack_chk_fail <<<"$symbols")" || complain "$name has no checked call: FORTIFY is off"
    case $(sed -n 's/^ *Machine: *//p' <<<"$header") in
    *X86-64*)
        # A linker's note tells it only where every object has it, those of the C library too: so the code is looked at.
        [ "$(objdump -d --no-show-raw-insn "$binary" 2>/dev/null | grep -c endbr64)" -gt 20 ] || complain "$name has no landing pads for indirect jumps"
        ;;
    esac
done
[ "$bad" -eq 0 ] && echo "hardening: $# binaries are as they should be"
exit "$bad"
