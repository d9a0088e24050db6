"""Put the bundle's ``infer.py`` together: one file that runs without this package."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from search_engine.data import decode
from search_engine.export import infer_main

OWN = "search_engine"


def infer_script() -> str:
    """The text of ``infer.py``: the decoder and the command line, the same code that the site runs."""
    decoder, program = _Module(decode.__file__), _Module(infer_main.__file__)
    imports = _merged([*decoder.imports, *program.imports])
    parts = [
        program.docstring,
        "from __future__ import annotations",
        "\n".join(line for line in imports if _is_standard(line)),
        "\n".join(line for line in imports if not _is_standard(line)),
        f"# --- how a picture is decoded {'-' * 60}",
        decoder.body,
        f"\n# --- asking the network {'-' * 66}",
        program.body,
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


class _Module:
    """A source file in three parts: docstring, imports (its own package's left out), and the rest."""

    def __init__(self, path: str) -> None:
        text = Path(path).read_text(encoding="utf-8")
        nodes = ast.parse(text).body
        lines = text.splitlines()
        self.docstring = "\n".join(lines[: nodes[0].end_lineno])
        imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
        self.imports = [ast.unparse(node) for node in imports if not _left_out(node)]
        rest = lines[max(node.end_lineno or 0 for node in imports) :]
        self.body = "\n".join(rest).strip("\n")


def _left_out(node: ast.Import | ast.ImportFrom) -> bool:
    module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
    return module is None or module == "__future__" or module.split(".")[0] == OWN


def _merged(imports: list[str]) -> list[str]:
    """Each import once, and one line for each module that names are taken from."""
    names: dict[str, set[str]] = {}
    for line in imports:
        if line.startswith("from "):
            module, found = line.removeprefix("from ").split(" import ")
            names.setdefault(module, set()).update(found.split(", "))
    chosen = [f"from {module} import {', '.join(sorted(found))}" for module, found in sorted(names.items())]
    return sorted({line for line in imports if line.startswith("import ")}) + chosen


def _is_standard(line: str) -> bool:
    return line.split()[1].split(".", maxsplit=1)[0] in sys.stdlib_module_names
