"""Leave out what an image does without: run in its build, on the folder that pip filled.

    python -m images.shrink SITE_PACKAGES

Only what neither a service nor one of its commands asks for. Licences lie in *.dist-info, and stay.
"""

import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

CUTS: dict[str, str] = {
    "phonenumbers/geodata": "the places of telephone numbers: nobody asks for them",
    "phonenumbers/carrierdata": "their carriers: likewise",
    "pygments/lexers/[!_]*.py": "grammars of 500 languages: rich colours Python's tracebacks only",
    "pygments/lexers/_*_builtins.py": "words of those languages",
    "pygments/formatters/[!_]*.py": "colours for web pages and pictures: rich has its own",
    "lxml/isoschematron": "a schema language that no mail is written in",
    "lxml/objectify*.so": "XML as Python objects: mail is read by lxml.html",
    "wcwidth/table_grapheme_overrides/_known_*.py": "widths in single terminals, which it can miss",
    "holidays/financial": "days on which markets are closed: calendars name countries",
    "google/[acgl]*": "descriptions of Google's own interfaces: telemetry needs google.protobuf only",
    "google/type": "likewise",
    "sqlalchemy/testing": "helpers of its own test suite",
    "alembic/testing": "likewise",
    "mako/testing": "likewise",
    "*/tests": "tests of packages that bring them along",
}
KEPT = {"pygments/lexers/python.py", "pygments/lexers/special.py"}
# What compilers read; nothing is compiled where an image runs.
FOR_COMPILERS = {".a", ".c", ".cc", ".cpp", ".h", ".hpp", ".pxd", ".pxi", ".pyi", ".pyx"}

ELF64_LITTLE_ENDIAN = b"\x7fELF\x02\x01"
# e_phoff, e_shoff, e_flags, e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx
ELF_HEADER, ELF_HEADER_AT = struct.Struct("<QQIHHHHHH"), 0x20
PROGRAM_HEADER = struct.Struct("<IIQQQQ")  # p_type, p_flags, p_offset, p_vaddr, p_paddr, p_filesz


def loaded_part(binary: bytes) -> bytes:
    """Return of a shared object what is mapped when it is loaded, without symbols for debuggers.

    Loaders go by the table of segments (System V ABI, "Program Loading"). Sections that belong to
    none lie behind the last of them, half of the file and more; they go, and the table of sections
    with them. Anything but a 64-bit little-endian ELF file is returned as it is.
    """
    if not binary.startswith(ELF64_LITTLE_ENDIAN):
        return binary
    segments, _, flags, size, entry, count, *_ = ELF_HEADER.unpack_from(binary, ELF_HEADER_AT)
    end = segments + entry * count
    for place in range(segments, end, entry):
        _, _, offset, _, _, length = PROGRAM_HEADER.unpack_from(binary, place)
        end = max(end, offset + length)
    part = bytearray(binary[:end])
    ELF_HEADER.pack_into(part, ELF_HEADER_AT, segments, 0, flags, size, entry, count, 0, 0, 0)
    return bytes(part)


def unneeded(site: Path) -> Iterator[Path]:
    """Return what of `site` can go, files and whole folders."""
    for pattern in CUTS:
        for path in site.glob(pattern):
            if str(path.relative_to(site)) not in KEPT:
                yield path
    yield from (path for path in site.rglob("*") if path.suffix in FOR_COMPILERS)


def shrink(site: Path) -> None:
    """Remove what is not needed, and the part of each shared object that is never loaded."""
    for path in sorted(unneeded(site)):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for path in site.rglob("*.so*"):
        path.write_bytes(loaded_part(path.read_bytes()))


def weight(folder: Path) -> int:
    """Return how many bytes the files below `folder` hold."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Shrink the folder that the command line names, and say by how much."""
    site = Path(sys.argv[1])
    before = weight(site)
    shrink(site)
    print(f"{before / 1e6:.1f} MB of packages, {weight(site) / 1e6:.1f} MB of it needed")


if __name__ == "__main__":
    main()
