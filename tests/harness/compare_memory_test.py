# SPDX-License-Identifier: GPL-2.0-or-later
"""compare_memory.py passes what is the same and fails on everything else."""
import contextlib
import copy
import io
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import compare_memory  # noqa: E402

TEXT = bytes(range(32))
DATA = bytes(32)


def section(name, index, address, content, **more):
    return {"name": name, "index": index, "address": f"{address:#018x}", "size": len(content), "file": name + ".bin",
            "freed": False, **more}


class Input:
    """A module with text, read-only data, live data, init text, and what lies in front of the text."""

    def __init__(self):
        self.writes = [{"section_index": 3, "offset": 8, "after": "0102030405060708"}]
        data = DATA[:8] + bytes(range(1, 9)) + DATA[16:]
        self.model = {
            "sections": [section(".text", 1, 0x1000, TEXT), section(".rodata", 2, 0x2000, TEXT), section(".data", 3, 0x3000, data),
                         section(".init.text", 4, 0x4000, TEXT, freed=True), section(".bss", 5, 0x3100, b"")],
            "reserved_text": {"address": "0x0000000000000f00", "size": 8, "file": "reserved-text.bin"},
            "rewrites": [{"mechanism": "ftrace", "section_index": 1, "begin": 4, "end": 8, "exact": False}],
            "live_data": [".data"],
        }
        self.model_files = {".text.bin": TEXT, ".rodata.bin": TEXT, ".data.bin": data, ".init.text.bin": TEXT,
                            "reserved-text.bin": bytes(8)}
        self.guest = {"sections": [
            section(".text", 0, 0x1000, TEXT, writable=False, sized_by_loader=False),
            section(".rodata", 0, 0x2000, TEXT, writable=False, sized_by_loader=False),
            section(".data", 0, 0x3000, data, writable=True, sized_by_loader=False),
            section(".init.text", 0, 0x9000, b"?" * 32, writable=False, sized_by_loader=False)],
            "reserved_text": copy.deepcopy(self.model["reserved_text"])}
        # Ftrace has rewritten its site, and running code a byte of data that nothing relocates.
        self.guest_files = {**self.model_files, ".text.bin": TEXT[:4] + b"ABCD" + TEXT[8:], ".data.bin": b"!" + data[1:]}

    def side(self, name):
        return (self.model, self.model_files) if name == "model" else (self.guest, self.guest_files)

    def drop(self, side, name):
        found, _ = self.side(side)
        found["sections"] = [each for each in found["sections"] if each["name"] != name]

    def edit(self, side, name, at, byte):
        _, files = self.side(side)
        content = bytearray(files[name])
        content[at] ^= byte
        files[name] = bytes(content)

    def section(self, side, name):
        return next(each for each in self.side(side)[0]["sections"] if each["name"] == name)

    def passes(self):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            for side in ("model", "guest"):
                (folder / side / "m").mkdir(parents=True)
                found, files = self.side(side)
                (folder / side / "m" / "sections.json").write_text(json.dumps(found))
                for name, content in files.items():
                    (folder / side / "m" / name).write_bytes(content)
            step = {"module": "m", "writes": self.writes}
            (folder / "simulation.json").write_text(json.dumps({"events": [{"steps": [step]}]}))
            arguments = ["compare_memory.py", folder / "simulation.json", folder / "model", folder / "guest", "m"]
            with mock.patch.object(sys, "argv", arguments), contextlib.redirect_stdout(io.StringIO()):
                try:
                    compare_memory.main()
                except SystemExit as ended:
                    return ended.code == 0


class CompareMemory(unittest.TestCase):
    def setUp(self):
        self.input = Input()

    def refused(self):
        self.assertFalse(self.input.passes())

    def test_same_memory(self):
        self.assertTrue(self.input.passes())

    def test_section_missing_in_the_guest(self):
        for name in (".text", ".rodata", ".data"):
            with self.subTest(name):
                self.input = Input()
                self.input.drop("guest", name)
                self.refused()

    def test_section_missing_in_the_model(self):
        for name in (".text", ".rodata", ".data"):
            with self.subTest(name):
                self.input = Input()
                self.input.drop("model", name)
                self.refused()

    def test_every_byte_of_text_and_constants(self):
        for name in (".text.bin", ".rodata.bin"):
            for at in range(32):
                if name == ".text.bin" and 4 <= at < 8:
                    continue
                with self.subTest(name, at=at):
                    self.input = Input()
                    self.input.edit("guest", name, at, 1)
                    self.refused()

    def test_every_byte_of_a_field_in_live_data(self):
        for at in range(8, 16):
            with self.subTest(at):
                self.input = Input()
                self.input.edit("guest", ".data.bin", at, 0x80)
                self.refused()

    def test_other_address(self):
        self.input.section("guest", ".rodata")["address"] = "0x0000000000002001"
        self.refused()

    def test_short_section(self):
        self.input.guest_files[".rodata.bin"] = TEXT[:-1]
        self.refused()

    def test_long_section(self):
        self.input.guest_files[".rodata.bin"] = TEXT + b"1"
        self.refused()
        self.input.section("guest", ".rodata")["sized_by_loader"] = True
        self.assertTrue(self.input.passes())

    def test_image_of_the_model_is_not_of_its_size(self):
        self.input.model_files[".rodata.bin"] = b""
        self.refused()

    def test_read_only_section_is_no_live_data(self):
        self.input.model["live_data"].append(".text")
        self.refused()

    def test_model_that_knows_nothing(self):
        self.input.model["rewrites"][0].update({"begin": 0, "end": 32})
        self.refused()

    def test_exact_rewrite_excuses_nothing(self):
        self.input.model["rewrites"][0]["exact"] = True
        self.refused()

    def test_reserved_text(self):
        self.input.edit("guest", "reserved-text.bin", 3, 1)
        self.refused()
        for side in ("model", "guest"):
            self.input = Input()
            self.input.side(side)[0]["reserved_text"] = None
            self.refused()
        self.input = Input()
        self.input.guest["reserved_text"]["address"] = "0x0000000000000f08"
        self.refused()
        self.input = Input()
        self.input.guest_files["reserved-text.bin"] = bytes(7)
        self.refused()

    def test_nothing_to_compare(self):
        for side in ("model", "guest"):
            found, _ = self.input.side(side)
            found.update({"sections": [], "reserved_text": None})
        self.refused()


if __name__ == "__main__":
    unittest.main()
