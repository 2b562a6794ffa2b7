// Folders of checkpoints: what is kept in them, and what of damaged files is passed over.

#include "onecycle/checkpoint.h"
#include "onecycle/error.h"

#include "core/files/files.h"
#include "core/text/format.h"
#include "support/temporary_folder.h"
#include "train/state/newest_checkpoint.h"
#include "train/state/run_state.h"
#include "train/support.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Snapshot tiny_snapshot(float value) {
  Snapshot snapshot;
  snapshot.tensors.push_back({"model.w", at::full({3}, value)});
  return snapshot;
}

float value_in(const Snapshot& snapshot) { return snapshot.tensors[0].tensor[0].item<float>(); }

TEST(CheckpointFolder, KeepsTheLatestAndTheBest) {
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder / "c", 2, {{"format", "onecycle"}, {"recipe", "text"}});
  for (const int step : {1, 2, 3, 4, 5})
    checkpoints.save(tiny_snapshot(static_cast<float>(step)), step, step == 2);
  EXPECT_THAT(checkpoints.steps(), ElementsAre(4, 5));
  EXPECT_EQ(value_in(read_checkpoint(folder / "c/best.safetensors")), 2);
  EXPECT_EQ(value_in(read_checkpoint(folder / "c/last.safetensors")), 5);
  EXPECT_EQ(read_checkpoint(folder / "c/last.safetensors").metadata["recipe"], "text");
  checkpoints.save(tiny_snapshot(9), 3, false);
  EXPECT_THAT(checkpoints.steps(), ElementsAre(3)) << "later steps are of a course that was left";
}

TEST(CheckpointFolder, DamagedFilesArePassedOver) {
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder / "c", 3, {{"format", "onecycle"}});
  std::vector<std::string> warnings;
  EXPECT_FALSE(checkpoints.load_latest(warnings).has_value());
  for (const int step : {1, 2, 3})
    checkpoints.save(tiny_snapshot(static_cast<float>(step)), step, false);
  const std::string torn = folder / "c/step-00000003.safetensors";
  const std::string flipped = folder / "c/step-00000002.safetensors";
  write_bytes(torn, read_bytes(torn).substr(0, 100));
  std::string bytes = read_bytes(flipped);
  bytes[bytes.size() - 2] ^= 1;
  write_bytes(flipped, bytes);
  EXPECT_EQ(value_in(*checkpoints.load_latest(warnings)), 1);
  EXPECT_THAT(warnings, ElementsAre(HasSubstr(torn), HasSubstr("checksum")));
  write_bytes(folder / "c/step-00000001.safetensors", "");
  EXPECT_THROW(checkpoints.load_latest(warnings), CheckpointError);
}

TEST(CheckpointFolder, AStateThatCannotBeReadIsPassedOver) {
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder / "c", 3, {{"format", "onecycle"}});
  Snapshot sound = tiny_snapshot(1);
  sound.metadata["state"] = to_json(RunState{});
  checkpoints.save(sound, 1, false);
  Snapshot other = tiny_snapshot(2);
  other.metadata["state"] = "{}";
  checkpoints.save(other, 2, false);
  std::vector<std::string> warnings;
  EXPECT_EQ(value_in(*checkpoints.load_latest(warnings)), 1);
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("step-00000002.safetensors: holds weights but no")));
}

Snapshot snapshot_at(std::int64_t step, std::int64_t best_step) {
  RunState state;
  state.steps = step;
  state.best_step = best_step;
  Snapshot snapshot = tiny_snapshot(static_cast<float>(step));
  snapshot.metadata["state"] = to_json(state);
  return snapshot;
}

TEST(CheckpointFolder, NamesFollowTheNewestSoundFile) {
  const TemporaryFolder folder;
  const std::string place = folder / "c";
  const auto named = [&](const char* name) {
    return value_in(read_checkpoint(checkpoint_path(place, name)));
  };
  CheckpointFolder checkpoints(place, 5, {{"format", "onecycle"}});
  checkpoints.save(snapshot_at(1, 1), 1, true);
  checkpoints.save(snapshot_at(2, 1), 2, false);
  // Killed before the new file had its names.
  write_checkpoint(checkpoint_path(place, 3), snapshot_at(3, 3));
  std::vector<std::string> warnings;
  EXPECT_EQ(newest_checkpoint(place, warnings), checkpoint_path(place, 3));
  mend_checkpoint_names(place);
  EXPECT_EQ(named("last"), 3);
  EXPECT_EQ(named("best"), 3);
  EXPECT_EQ(newest_checkpoint(place, warnings), checkpoint_path(place, "last"));
  // Killed between the two names of a file.
  write_checkpoint(checkpoint_path(place, 4), snapshot_at(4, 4));
  replace_with_link(checkpoint_path(place, 4), checkpoint_path(place, "last"));
  mend_checkpoint_names(place);
  EXPECT_EQ(named("best"), 4);
  // A torn one is not the newest, whatever it is called.
  write_bytes(checkpoint_path(place, 5), "torn");
  mend_checkpoint_names(place);
  EXPECT_EQ(named("last"), 4);
  // Of an earlier step the file itself is asked for, where it is still there.
  std::filesystem::remove(checkpoint_path(place, "best"));
  checkpoints.save(snapshot_at(6, 4), 6, false);
  mend_checkpoint_names(place);
  EXPECT_EQ(named("last"), 6);
  EXPECT_EQ(named("best"), 4);
}

std::int64_t open_files() {
  std::int64_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * 4096;
}

TEST(CheckpointFolder, TwoThousandInARowLeakNothing) {
  const TemporaryFolder folder;
  auto run = tiny_run({"model={name: resnet8, width: 4}", "output.checkpoint_every=1it",
                       "train.duration=2000it", "train.evaluate_every=2000it"});
  CheckpointFolder checkpoints(folder / "c", 2, {});
  class Meter : public Observer {
   public:
    void on_notice(const Notice& notice) override {
      if (notice.kind != Notice::Kind::checkpoint) return;
      if (notice.step == 200) files = open_files(), bytes = resident_bytes();
      ++saved;
    }
    std::int64_t files = 0, bytes = 0, saved = 0;
  } meter;
  Trainer trainer(run);
  trainer.keep_checkpoints_in(checkpoints);
  trainer.observe(meter);
  trainer.fit();
  EXPECT_EQ(meter.saved, 2000);
  EXPECT_EQ(open_files(), meter.files);
  EXPECT_LT(resident_bytes() - meter.bytes, 4 << 20);
  EXPECT_THAT(checkpoints.steps(), ElementsAre(1999, 2000));
}

}  // namespace
}  // namespace onecycle
