#!/usr/bin/env python3
"""Writes the corpus: messages, and what must become of each.

    apt-get install xmlsec1 && pip install lxml signxml pysaml2 cryptography
    python3 generate.py

Signatures and encryption come from xmlsec1, signxml, pysaml2 and pyca/cryptography. The suite replays the files
and needs none of these. Keys are made once and kept; encryption draws random bytes, so a second run changes the
encrypted files.
"""

import json
import shutil

import hostile
import libraries
import logout
import valid
import vendors
from messages import HERE, make_keys

OPTIONS = {"in_response_to", "now", "allow_cbc", "require_encrypted", "authn_context", "certificates", "keys"}


def collect(folder, module):
    directory = HERE / folder
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    manifest = []

    def case(name, xml, expect, note, identity=None, **options):
        assert options.keys() <= OPTIONS, options
        assert all(name != other["name"] for other in manifest), name
        content = xml if isinstance(xml, bytes) else xml.encode()
        (directory / f"{name}.xml").write_bytes(content)
        entry = {"name": name, "note": note, "expect": expect, **options}
        if identity is not None:
            entry["identity"] = identity
        manifest.append(entry)

    module.cases(case)
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in manifest)
    (directory / "cases.json").write_text(f"[\n{lines}\n]\n")
    print(folder, len(manifest))


if __name__ == "__main__":
    make_keys()
    collect("valid", valid)
    collect("libraries", libraries)
    collect("hostile", hostile)
    vendors.write()
    logout.write()
