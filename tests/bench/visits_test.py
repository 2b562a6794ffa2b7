#!/usr/bin/env python3
"""What bench/gpu plans, keeps and tells, without a GPU and without a build."""
import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
import cifar  # noqa: E402
import gpu_plan  # noqa: E402
import gpu_results  # noqa: E402
import visits  # noqa: E402
from gpu_plan import VISIT_SECONDS, Part, State, Visit  # noqa: E402

SEEN = {"card": "X", "driver": "1", "version": "v", "date": "2030-01-02"}


def everything(folder):
    return visits.visits(argparse.Namespace(
        build=folder / "build", python=Path(sys.executable), fashion_mnist=folder / "f", cifar10=folder / "c",
        cifar10_is_complete=True, work=folder / "work"))


def program(text):
    return [sys.executable, "-c", text]


class Folder(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.folder = Path(made.name)

    def state(self):
        return State(self.folder / "gpu.json")


class Plan(Folder):
    def test_every_visit_fits_its_four_minutes(self):
        self.assertEqual(VISIT_SECONDS, 240)
        for visit in everything(self.folder):
            self.assertLessEqual(visit.usual(), 240, visit.title)
            for part in visit.parts:
                self.assertGreater(part.usual, 0)
                self.assertLessEqual(part.usual, part.limit, part.name)
                self.assertLessEqual(part.limit, 240, part.name)

    def test_the_ten_visits_come_most_important_first(self):
        plan = everything(self.folder)
        self.assertEqual([visit.number for visit in plan], list(range(1, 11)))
        names = [[part.name for part in visit.parts] for visit in plan]
        self.assertEqual(names[0][0], "CUDA tests")
        for net in ("mlp", "resnet20", "cifar_fast"):
            self.assertLess(names[0].index(f"{net}, graph off"), names[0].index(f"{net}, graph on"))
        self.assertLess(names[0].index("quickstart"), names[0].index("one rank over NCCL"))
        self.assertIn("airbench94 plain", names[1])
        self.assertLess(names[2].index("airbench94 compiled, cold"), names[2].index("airbench94 compiled, warm"))
        self.assertTrue(all(len(names[i]) == 1 and "super" in names[i][0] for i in (6, 7, 8)))
        self.assertEqual(names[9][0], "compute-sanitizer")
        every = [name for visit in names for name in visit]
        self.assertEqual(len(every), len(set(every)))

    def test_the_first_visit_needs_nothing_but_the_bundle(self):
        self.assertTrue(all(not part.needs for part in everything(self.folder)[0].parts))

    def test_what_parts_need_is_known(self):
        needs = {need for visit in everything(self.folder) for part in visit.parts for need in part.needs}
        self.assertEqual(needs, {"cifar10", "compiler", "compute-sanitizer", "ncu"})
        text = (ROOT / "bench/gpu").read_text()
        for need in needs:
            self.assertIn(f'"{need}"', text)

    def test_the_program_that_each_part_names_is_there(self):
        for visit in everything(self.folder):
            for part in visit.parts:
                for word in part.words():
                    if word.startswith(str(ROOT)) or word.startswith("recipes/"):
                        self.assertTrue((ROOT / word).exists(), word)

    def test_a_run_is_resumed_where_it_has_a_checkpoint(self):
        leg = everything(self.folder)[7].parts[0]
        self.assertNotIn("--resume", leg.words())
        checkpoints = self.folder / "work/runs/super/1/checkpoints"
        checkpoints.mkdir(parents=True)
        (checkpoints / "latest.safetensors").touch()
        self.assertIn("--resume", leg.words())


class Doing(Folder):
    def setUp(self):
        super().setUp()
        self.now = 0.0
        self.ran, self.codes = [], {}
        self.visit = Visit(3, "three", (Part("a", 50, 100, ["a"]), Part("b", 100, 150, ["b"], needs=("cifar10",)),
                                        Part("c", 90, 120, ["c"])))
        self.took = {"a": 50, "b": 100, "c": 90}

    def run_one(self, part, seconds):
        self.ran.append((part.name, seconds))
        self.now += self.took[part.name]
        return {"exit_code": self.codes.get(part.name, 0), "seconds": self.took[part.name], "seen": SEEN}

    def do(self, lacks={}, again=False):
        self.ran, self.now = [], 0.0
        gpu_plan.do_visit(self.visit, self.state(), lacks, self.run_one, lambda text: None, again, lambda: self.now)
        return [name for name, _ in self.ran]

    def test_parts_run_in_order_and_never_beyond_the_visit(self):
        self.assertEqual(self.do(), ["a", "b", "c"])
        self.assertEqual([seconds for _, seconds in self.ran], [100, 150, 90])

    def test_what_is_done_is_not_done_again_unless_asked(self):
        self.do()
        self.assertEqual(self.do(), [])
        self.assertEqual(self.do(again=True), ["a", "b", "c"])

    def test_what_failed_is_done_again(self):
        self.codes["b"] = 1
        self.do()
        self.codes = {}
        self.assertEqual(self.do(), ["b"])
        self.assertEqual(self.do(), [])

    def test_a_part_over_the_time_left_does_not_start(self):
        self.took["a"] = 51
        self.assertEqual(self.do(), ["a", "b"])
        self.assertIn("90 s, 89 s were left", self.state().of(self.visit, self.visit.parts[2])["left_out"])
        self.assertEqual(self.do(), ["c"])

    def test_what_lacks_data_is_left_out_until_they_are_there(self):
        self.assertEqual(self.do({"cifar10": "no CIFAR-10"}), ["a", "c"])
        self.assertEqual(self.state().of(self.visit, self.visit.parts[1])["left_out"], "no CIFAR-10")
        self.assertEqual(self.do(), ["b"])

    def test_leaving_out_keeps_an_earlier_result(self):
        self.codes["b"] = 1
        self.do()
        self.do({"cifar10": "no CIFAR-10"})
        self.assertEqual(self.state().of(self.visit, self.visit.parts[1])["exit_code"], 1)

    def test_a_visit_whose_parts_ran_is_ticked_off(self):
        other = Visit(4, "four", (Part("d", 1, 1, ["d"]),))
        self.took["a"] = 51
        self.codes["b"] = 1
        self.do()
        self.assertIs(gpu_plan.next_visit([self.visit, other], self.state(), {}), self.visit)
        self.do()
        self.assertIs(gpu_plan.next_visit([self.visit, other], self.state(), {}), other)
        self.assertIsNone(gpu_plan.next_visit([self.visit], self.state(), {}))

    def test_a_visit_without_its_data_gives_way_and_comes_back(self):
        only = Visit(5, "five", (Part("b", 1, 1, ["b"], needs=("cifar10",)),))
        other = Visit(6, "six", (Part("d", 1, 1, ["d"]),))
        self.assertIs(gpu_plan.next_visit([only, other], self.state(), {"cifar10": "none"}), other)
        self.assertIs(gpu_plan.next_visit([only, other], self.state(), {}), only)

    def test_a_saved_run_is_done_where_a_later_part_goes_on(self):
        legs = Visit(7, "legs", (Part("x", 1, 1, ["x"], goes_on="next"), Part("y", 1, 1, ["y"], goes_on="here")))
        state = self.state()
        for part in legs.parts:
            state.put(legs, part, {"exit_code": 143, "seconds": 1, "seen": SEEN})
        self.assertTrue(state.is_done(legs, legs.parts[0]))
        self.assertFalse(state.is_done(legs, legs.parts[1]))
        self.assertIs(gpu_plan.next_visit([legs], state, {}), legs)

    def test_a_leg_that_failed_gives_way(self):
        leg = Visit(7, "leg", (Part("x", 1, 1, ["x"], goes_on="next"),))
        for result, gives_way in (({"exit_code": 3}, True), ({"exit_code": 137, "over": 240}, False)):
            state = self.state()
            state.put(leg, leg.parts[0], {**result, "seconds": 1, "seen": SEEN})
            self.assertEqual(gpu_plan.next_visit([leg], state, {}) is None, gives_way)


class CudaTests(Folder):
    """bench/cuda_tests.py over programs that print what GoogleTest does."""

    def outcome(self, *cases):
        for number, text in enumerate(cases):
            room = self.folder / f"tests/room{number}"
            room.mkdir(parents=True)
            file = room / "test_some"
            file.write_text(f"#!/bin/sh\necho '{text}'\nexit {int('FAILED' in text)}\n")
            file.chmod(0o755)
        return subprocess.run([sys.executable, ROOT / "bench/cuda_tests.py", self.folder, "*"], capture_output=True, text=True)

    def test_where_none_runs_it_fails(self):
        result = self.outcome("[  SKIPPED ] A.Cuda (0 ms)")
        self.assertEqual(result.returncode, 1)
        self.assertIn("no case ran", result.stderr)

    def test_one_failure_fails_all(self):
        self.assertEqual(self.outcome("[       OK ] A.Cuda (1 ms)").returncode, 0)
        shutil.rmtree(self.folder / "tests")
        self.assertEqual(self.outcome("[       OK ] A.Cuda (1 ms)", "[  FAILED  ] B.Cuda (1 ms)").returncode, 1)


class Running(Folder):
    def run_text(self, text, seconds=20, **rest):
        return gpu_plan.run_part(Part("p", 1, seconds, program(text), rest.pop("read", gpu_plan.nothing), **rest), seconds,
                                 self.folder, SEEN)

    def test_exit_code_output_and_what_is_read(self):
        result = self.run_text("import sys; print('{\"event\": \"log\", \"train_loss\": 2}'); sys.exit(3)", read=gpu_results.trained)
        self.assertEqual((result["exit_code"], result["read"]["losses"]), (3, [2]))

    def test_what_takes_too_long_is_ended_with_its_children(self):
        result = self.run_text("import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])", 1)
        self.assertEqual(gpu_plan.outcome(result), "FAILED: ended after 1 s")
        self.assertLess(result["seconds"], 20)

    def test_a_folder_is_emptied_first(self):
        (self.folder / "cache/deep").mkdir(parents=True)
        result = self.run_text("import os; print(os.path.exists('cache'))", empties=self.folder / "cache")
        self.assertEqual(result["stdout"], "False\n")

    def test_what_goes_on_may_save_itself(self):
        save = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(143)); print('begun', flush=True); time.sleep(60)"
        with mock.patch.object(gpu_plan, "SAVING_SECONDS", 5):
            result = self.run_text(save, 7, goes_on="next")
        self.assertEqual((result["exit_code"], gpu_plan.outcome(result)), (143, "saved, goes on"))

    def test_a_program_that_is_not_there(self):
        result = gpu_plan.run_part(Part("p", 1, 1, ["/no/such/program"]), 1, self.folder, SEEN)
        self.assertTrue(gpu_plan.outcome(result).startswith("FAILED: [Errno 2]"))

    def test_unreadable_output_is_a_failure(self):
        result = self.run_text("print('{')", read=gpu_results.trained)
        self.assertTrue(gpu_plan.outcome(result).startswith("FAILED: unreadable"))


class Table(Folder):
    def rows(self, results):
        """{part's name: result} to rows of the whole table."""
        self.plan, state = everything(self.folder), self.state()
        for visit in self.plan:
            for part in visit.parts:
                if part.name in results:
                    state.put(visit, part, {"seconds": 9.0, "exit_code": 0, "seen": SEEN, **results[part.name]})
        self.kept = state
        return {row[1]: row for row in gpu_results.table(self.plan, state)}

    def losses(self, *values):
        return {"read": {"ends": [], "losses": list(values), "warnings": []}}

    def ends(self, *accuracies, seconds=2.0):
        return {"read": {"losses": [], "warnings": [],
                         "ends": [{"test_accuracy": a, "train_seconds": seconds} for a in accuracies]}}

    def test_failures_and_what_was_left_out_are_shown(self):
        rows = self.rows({"quickstart": {"exit_code": 139}, "one rank over NCCL": {"exit_code": 137, "over": 40},
                          "CUDA tests": {"exit_code": 1, "read": {"ok": 3, "failed": 1, "skipped": 0}}})
        self.assertEqual(rows["quickstart"][4], "FAILED: exit code 139")
        self.assertEqual(rows["one rank over NCCL"][4], "FAILED: ended after 40 s")
        self.assertEqual(rows["CUDA tests"][4], "FAILED: exit code 1")
        self.assertEqual(rows["mlp, graph on"][4], "to be run")
        self.assertIn("FAILED: exit code 139", gpu_results.as_text(list(rows.values())))

    def test_accuracy_is_held_against_what_is_wanted(self):
        self.assertEqual(self.rows({"quickstart": self.ends(0.8881)})["quickstart"][4], "reached")
        self.assertEqual(self.rows({"quickstart": self.ends(0.8879)})["quickstart"][4], "MISSED")

    def test_losses_with_and_without_graph(self):
        what = "mlp: losses with and without graph, largest difference"
        same = {"mlp, graph on": self.losses(2, 1), "mlp, graph off": self.losses(2, 1)}
        self.assertEqual(self.rows(same)[what][4], "reached")
        self.assertEqual(self.rows({**same, "mlp, graph on": self.losses(2, 1.25)})[what][2:5],
                         ("0.25 over 2 steps", "<= 0", "MISSED"))
        self.assertEqual(self.rows({**same, "mlp, graph on": self.losses(2)})[what][4], "MISSED")
        self.assertEqual(self.rows({**same, "mlp, graph on": self.losses(2, float("nan"))})[what][4], "MISSED")

    def test_recorded_evaluations_beside_plain_ones(self):
        def output(losses, each, mib):
            lines = [{"event": "evaluated", "test_loss": loss, "train_seconds": 2.0 * i, "seconds": 2.0 * i + each * i + 1}
                     for i, loss in enumerate(losses)]
            return "\n".join(map(json.dumps, [*lines, {"event": "memory", "mib": mib}]))
        plain, graph = "cifar_fast, evaluation graph off", "cifar_fast, evaluation graph on"
        what = "cifar_fast: test losses of recorded evaluations and of plain ones, largest difference"
        read = {plain: {"read": gpu_results.evaluated(output([3, 2, 1], 0.5, 900))},
                graph: {"read": gpu_results.evaluated(output([3, 2, 1], 0.25, 912))}}
        rows = self.rows(read)
        self.assertEqual(rows[plain][2], "0.5000 s an evaluation; 900 MiB in use")
        self.assertEqual(rows[what][2:5], ("0 over 3 evaluations", "<= 0", "reached"))
        self.assertEqual(rows["cifar_fast: recorded evaluations, of plain ones"][2], "0.50 of the time, +12 MiB")
        read[graph] = {"read": gpu_results.evaluated(output([3, 2, 1.5], 0.25, None))}
        rows = self.rows(read)
        self.assertEqual(rows[what][4], "MISSED")
        self.assertEqual(rows["cifar_fast: recorded evaluations, of plain ones"][2], "0.50 of the time, memory not seen")

    def test_ten_seeds_and_the_ratio_of_warm_runs(self):
        theirs = {"read": [{"train_seconds": s, "test_accuracy": 0.94} for s in (60.0, 3.0, 3.0)]}
        some = {"cifar10-94, seeds 1-5": self.ends(*[0.941] * 5), "cifar10-94, seeds 6-10": self.ends(*[0.939] * 5),
                "airbench94 compiled, warm": theirs}
        rows = self.rows(some)
        self.assertEqual(rows["cifar10-94: mean accuracy"][2:5], ("94.00% of 10 seeds", ">= 94.0% of 10", "reached"))
        self.assertEqual(rows["cifar10-94: warm, of airbench94 compiled"][2:5], ("0.67", "<= 0.8", "reached"))

    def test_speeds_beside_peers(self):
        read = {"read": {"T": {"onecycle, auto": 1.0, "eager, on the GPU": 2.5, "graph, the whole step by hand": 0.9}}}
        rows = self.rows({"resnet20, batch 128, beside eager and graph": read})
        name = "resnet20, batch 128, beside eager and graph: as fast as "
        self.assertEqual(rows[name + "eager, on the GPU"][2:5], ("2.50 x", ">= 2.0 x", "reached"))
        self.assertEqual(rows[name + "graph, the whole step by hand"][4], "MISSED")

    def test_a_peer_that_did_not_run_is_missed(self):
        rows = self.rows({"mlp, batch 128, beside compiled": {"read": {"T": {"onecycle, fp32": 1.0}}}})
        self.assertEqual(rows["mlp, batch 128, beside compiled: as fast as compiled"][2:5],
                         ("it did not run", ">= 1.2 x", "MISSED"))

    def test_a_saved_run_is_not_held_against_its_end(self):
        name = "ResNet-56, super-convergence, part 1 of 3"
        read = {"read": {"losses": [], "warnings": [], "ends": [
            {"test_accuracy": 0.3, "train_seconds": 9.0, "stop_reason": "interrupted"}]}}
        self.assertEqual(self.rows({name: {**read, "exit_code": 143}})[name][4], "saved, goes on")

    def test_markdown_says_where_and_when(self):
        rows = list(self.rows({"quickstart": self.ends(0.89)}).values())
        text = gpu_results.as_markdown(rows, self.kept)
        self.assertTrue(text.startswith("2030-01-02: X, driver 1, onecycle v"))
        self.assertEqual(sum(line.startswith("| ") for line in text.splitlines()), len(rows) + 1)


class Commands(Folder):
    def call(self, *words):
        return subprocess.run([sys.executable, "-B", *map(str, words)], capture_output=True, text=True, cwd=self.folder)

    def test_dry_run_needs_no_build(self):
        result = self.call(ROOT / "bench/gpu", "--dry-run", "--build", self.folder / "none", "--json", self.folder / "j")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(sum(line.startswith("visit ") for line in result.stdout.splitlines()), 10)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_without_a_build_a_visit_says_what_to_do(self):
        result = self.call(ROOT / "bench/gpu", "--build", self.folder / "none", "--json", self.folder / "j")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--build: no onecycle in", result.stderr)

    def test_memory_is_told_after_the_commands_output(self):
        tools = self.folder / "tools"
        tools.mkdir()
        (tools / "nvidia-smi").write_text("#!/bin/sh\necho 300; echo 700; echo N/A; echo 500; exec sleep 60\n")
        (tools / "nvidia-smi").chmod(0o755)
        words = [ROOT / "bench/gpu_memory.py", *program("import time; time.sleep(1); print('x', flush=True); raise SystemExit(3)")]
        for path, told in ((f"{tools}:/usr/bin:/bin", 700), (str(self.folder), None)):
            with mock.patch.dict("os.environ", PATH=path):
                result = self.call(*words)
            self.assertEqual((result.returncode, result.stdout), (3, 'x\n' + json.dumps({"event": "memory", "mib": told}) + "\n"))

    def test_cifar_in_parts(self):
        source, target, out = self.folder / "a", self.folder / "b", self.folder / "parts"
        size = cifar.BYTES // 1000  # of the stand-ins
        stand_in = {name: bytes([i]) * size for i, name in enumerate(cifar.FILES)}
        (source / cifar.FOLDER).mkdir(parents=True)
        for name, data in stand_in.items():
            (source / cifar.FOLDER / name).write_bytes(data)
        copy = self.folder / "project"  # whose descriptor states the sums of the stand-ins
        (copy / "bench").mkdir(parents=True)
        (copy / "datasets").mkdir()
        for name in ("cifar.py", "cifar_parts"):
            text = (ROOT / "bench" / name).read_text()
            (copy / "bench" / name).write_text(text.replace("BYTES = 10000 * 3073", f"BYTES = {size}"))
        (copy / "datasets/cifar10.yaml").write_text("sha256:\n" + "".join(
            f"  {name}: {hashlib.sha256(data).hexdigest()}\n" for name, data in stand_in.items()))
        tool = copy / "bench/cifar_parts"
        self.assertEqual(self.call(tool, "pack", source, out).returncode, 0)
        first, *rest = sorted(out.iterdir(), reverse=True)
        self.assertEqual(len(rest), 2)
        told = self.call(tool, "unpack", target, first)
        self.assertEqual(told.returncode, 3)
        self.assertIn("still missing data_batch_1.bin, data_batch_2.bin", told.stdout)
        self.assertEqual(self.call(tool, "unpack", target, *rest).returncode, 0)
        self.assertEqual({p.name: p.read_bytes() for p in (target / cifar.FOLDER).iterdir()}, stand_in)
        first.write_bytes(first.read_bytes()[:-40])
        cut = self.call(tool, "unpack", self.folder / "d", first)
        self.assertEqual(cut.returncode, 1)
        self.assertIn("copy it again", cut.stderr)
        (source / cifar.FOLDER / "test_batch.bin").write_bytes(b"x" * size)
        self.assertIn("is not CIFAR-10's", self.call(tool, "pack", source, out).stderr)

    def test_the_real_sums_are_found(self):
        self.assertEqual(sorted(cifar.sums()), sorted(cifar.FILES))


if __name__ == "__main__":
    unittest.main()
