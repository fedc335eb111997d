"""The merge of the peers' times with ours, on rows made up here. Needs neither torch nor a GPU.

    python3 bench/test_peers.py
"""

import copy
import contextlib
import io
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import ratios
import record


def us(smallest, median, largest):
    return {"median": median, "smallest": smallest, "largest": largest, "samples": 24}


def ours(operation, variant, shape, kernel_us, is_right=True):
    return {"operation": operation, "variant": variant, "shape": shape, "kernel_us": kernel_us, "is_right": is_right}


def peer(operation, variant, shape, name, kernel_us, same_result=True, failure=None):
    return {
        "operation": operation,
        "variant": variant,
        "shape": shape,
        "peer": name,
        "note": "",
        "same_result": same_result,
        "kernel_us": kernel_us,
        "error": 0.0,
        "bound": 0.0,
        "failure": failure,
    }


OURS = {
    "schema": 1,
    "device": "A card",
    "driver": "13.0",
    "rows": [
        ours("matmul-f16", "f16", "1 x 2 x 3", us(9.0, 10.0, 11.0)),
        ours("matmul-int8", "scales, f16", "1 x 2 x 3", us(9.0, 10.0, 11.0)),
        ours("qkv-int4", "Async", "1 x (4 + 2 · 1) x 3", us(9.0, 10.0, 11.0)),
        ours("qkv-int4", "three products", "1 x (4 + 2 · 1) x 3", us(39.0, 40.0, 41.0)),
        ours("softmax", "f16", "64 x 64", us(9.0, 10.0, 11.0)),
        ours("reduce-sum", "f32", "64 x 64", us(1.0, 1.0, 1.0), is_right=False),
    ],
}
PEERS = {
    "schema": 1,
    "device": "A card",
    "versions": {"torch": "2"},
    "missing": {"humming": "ImportError: none"},
    "rows": [
        peer("matmul-f16", "f16", "1 x 2 x 3", "slow", us(29.0, 30.0, 31.0)),
        peer("matmul-f16", "f16", "1 x 2 x 3", "fast", us(19.0, 20.0, 21.0)),
        peer("matmul-f16", "f16", "1 x 2 x 3", "humming", None, failure="ImportError: none"),
        peer("matmul-f16", "bf16", "1 x 2 x 3", "another variant", us(1.0, 1.0, 1.0)),
        peer("matmul-int8", "scales, f16", "1 x 2 x 3", "sums alone", us(4.0, 5.0, 6.0), same_result=False),
        peer("matmul-int8", "scales, f16", "1 x 2 x 3", "fused", us(10.5, 11.5, 12.0)),
        peer("qkv-int4", None, "1 x (4 + 2 · 1) x 3", "one product", us(19.0, 20.0, 21.0)),
        peer("reduce-sum", "f32", "64 x 64", "sum", us(2.0, 2.0, 2.0)),
    ],
}


class Merge(unittest.TestCase):
    def setUp(self):
        self.merged = ratios.merge(OURS, PEERS)
        self.rows = {(row["operation"], row["variant"]): row for row in self.merged["rows"]}

    def test_the_fastest_peer_is_named_and_the_rest_are_kept(self):
        row = self.rows["matmul-f16", "f16"]
        self.assertEqual((row["best"], row["ratio"], row["verdict"]), ("fast", 2.0, "faster"))
        self.assertEqual([peer["peer"] for peer in row["peers"]], ["fast", "slow", "humming"])

    def test_a_ratio_within_the_spread_does_not_count(self):
        row = self.rows["matmul-int8", "scales, f16"]
        self.assertEqual((row["best"], row["verdict"]), ("fused", "equal"))

    def test_the_verdict_needs_ranges_apart(self):
        self.assertEqual(ratios.verdict(us(1, 2, 3), us(4, 5, 6)), "faster")
        self.assertEqual(ratios.verdict(us(4, 5, 6), us(1, 2, 3)), "slower")
        self.assertEqual(ratios.verdict(us(1, 2, 3), us(3, 5, 6)), "equal")

    def test_a_peer_without_a_variant_stands_beside_every_variant(self):
        self.assertEqual(self.rows["qkv-int4", "Async"]["verdict"], "faster")
        self.assertEqual(self.rows["qkv-int4", "three products"]["verdict"], "slower")

    def test_every_row_of_ours_stays_with_or_without_a_peer(self):
        self.assertEqual(len(self.merged["rows"]), len(OURS["rows"]))
        self.assertIsNone(self.rows["softmax", "f16"]["best"])

    def test_a_wrong_result_of_ours_has_no_ratio(self):
        self.assertIsNone(self.rows["reduce-sum", "f32"]["ratio"])

    def test_peers_without_a_row_of_ours_are_listed(self):
        self.assertEqual(self.merged["unmatched"], ["matmul-f16, bf16, 1 x 2 x 3"])

    def test_two_devices_or_another_schema_are_refused(self):
        for key, value in (("device", "Another card"), ("schema", 2)):
            other = copy.deepcopy(PEERS)
            other[key] = value
            with self.assertRaises(ratios.Mismatch):
                ratios.merge(OURS, other)

    def test_the_page_names_who_did_not_run_and_why(self):
        page = ratios.markdown(self.merged)
        self.assertIn("| humming | ImportError: none | 1 | matmul-f16 1 x 2 x 3 |", page)
        self.assertIn("humming: did not run", page)
        self.assertIn("| matmul-f16 | f16 | 1 | 1 | 0 | 0 | 0 | 2.00 |", page)
        self.assertIn("sums alone, does less: 5.00 (0.50)", page)


class CommandLine(unittest.TestCase):
    def test_two_files_are_merged_without_torch(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            for name, report in (("ours", OURS), ("peers", PEERS)):
                record.write_json(folder / f"{name}.json", report)
            program = [sys.executable, str(pathlib.Path(__file__).with_name("peers.py")), "--merge-only"]
            files = ["--ours", folder / "ours.json", "--json", folder / "peers.json"]
            results = [folder / "ratios.md", folder / "ratios.json"]
            subprocess.run([*program, *files, "--ratios", *results], check=True, capture_output=True)
            self.assertEqual(json.loads(results[1].read_text("utf-8")), ratios.merge(OURS, PEERS))
            self.assertEqual(results[0].read_text("utf-8"), ratios.markdown(ratios.merge(OURS, PEERS)))


class Guard(unittest.TestCase):
    def test_a_peer_that_fails_leaves_a_row_with_its_reason(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            path = pathlib.Path(folder) / "peers.json"
            kept = record.Record(path, {"device": "A card"}, lambda calls: us(1, 2, 3), budget=1, limit=60, case_limit=0.2)
            kept.case("softmax", "f16", "1 x 1", "absent", lambda: kept.module("absent", "no_such_module_here"))
            kept.case("softmax", "f16", "1 x 1", "wrong", lambda: ([lambda: 2.0], lambda result: (result, 1.0)))
            kept.case("softmax", "f16", "1 x 1", "nan", lambda: ([lambda: math.nan], lambda result: (result, 1.0)))
            kept.case("softmax", "f16", "1 x 1", "slow", lambda: time.sleep(3))
            kept.case("softmax", "f16", "1 x 1", "right", lambda: ([lambda: 0.5], lambda result: (result, 1.0)))
            rows = json.loads(path.read_text("utf-8"))["rows"]
            self.assertIn("no_such_module_here", rows[0]["failure"])
            self.assertIn("wrong result", rows[1]["failure"])
            self.assertIn("wrong result", rows[2]["failure"])
            self.assertIn("longer than", rows[3]["failure"])
            self.assertEqual([row["kernel_us"] for row in rows], [None] * 4 + [us(1, 2, 3)])


if __name__ == "__main__":
    unittest.main()
