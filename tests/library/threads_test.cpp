// Predictors and a training, each on a thread of its own. tests/tsan runs it with ThreadSanitizer.

#include "onecycle/observers.h"

#include "library/pictures.h"
#include "support/temporary_folder.h"

#include <atomic>
#include <filesystem>
#include <gtest/gtest.h>
#include <thread>

namespace onecycle::testing {
namespace {

constexpr int kRounds = 20;
constexpr std::int64_t kEndless = 1'000'000'000;

void write_run(const std::string& folder, std::uint64_t seed) {
  Experiment experiment = experiment_on_pictures(picture_network(seed), 4);
  experiment.keep_checkpoints_in(checkpoints_in(folder));
  experiment.fit(Sgd{}, Constant{.lr = 0.05});
}

std::vector<at::Tensor> state_of(const Model& network) {
  std::vector<at::Tensor> state = network.parameters();
  for (const at::Tensor& buffer : network.buffers()) state.push_back(buffer);
  return state;
}

// What the network is after `steps` of an endless training.
std::vector<at::Tensor> trained_alone(std::int64_t steps) {
  const auto network = picture_network(3);
  Experiment experiment = experiment_on_pictures(network, kEndless);
  class Counter : public Observer {
   public:
    Counter(Experiment& counted, std::int64_t most) : counted_(counted), most_(most) {}
    void on_batch_end(const BatchEnd& event) override {
      if (event.step + 1 == most_)
        counted_.stop().request(StopReason::interrupted, "as many as there");
    }

   private:
    Experiment& counted_;
    std::int64_t most_;
  };
  experiment.observe(std::make_shared<Counter>(experiment, steps));
  EXPECT_EQ(experiment.fit(AdamW{}, Constant{.lr = 1e-3}).steps, steps);
  return state_of(*network);
}

TEST(Threads, PredictorsAndATrainingShareAProcess) {
  const TemporaryFolder folder;
  const std::vector<std::string> runs = {folder / "first", folder / "second"};
  const at::Tensor images = pictures(20);
  std::vector<at::Tensor> expected;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    write_run(runs[i], i + 1);
    expected.push_back(Predictor(runs[i]).predict(images).logits);
  }
  ASSERT_FALSE(expected[0].equal(expected[1]));

  const auto network = picture_network(3);
  Experiment experiment = experiment_on_pictures(network, kEndless);
  const std::string written = folder / "third";
  std::filesystem::create_directories(written);
  std::atomic<std::int64_t> logged = 0;
  experiment.observe(csv(written, classification(3)->metrics()));
  experiment.observe(early_stop({.patience = kEndless}));
  experiment.observe(
      on_log_point([&](const LogPoint& point, StopSignal&) { logged = point.step; }));
  experiment.keep_checkpoints_in(checkpoints_in(written));
  RunEnd end;
  std::thread training([&] { end = experiment.fit(AdamW{}, Constant{.lr = 1e-3}); });

  const Predictor shared(runs[0]);
  std::vector<int> wrong(2);
  std::vector<std::thread> predicting;
  for (std::size_t i = 0; i < 2; ++i)
    predicting.emplace_back([&, i] {
      for (int round = 0; round < kRounds; ++round) {
        const Predictor own(runs[i], {.batch_size = 7});
        if (!own.predict(images).logits.allclose(expected[i], 1e-4, 1e-5)) ++wrong[i];
        if (!shared.predict(images).logits.equal(expected[0])) ++wrong[i];
      }
    });
  for (std::thread& thread : predicting) thread.join();
  while (logged < 2 * kRounds) std::this_thread::yield();
  experiment.stop().request(StopReason::interrupted, "enough");
  training.join();

  EXPECT_EQ(wrong, std::vector<int>(2));
  EXPECT_EQ(end.message, "enough");
  const std::vector<at::Tensor> found = state_of(*network), alone = trained_alone(end.steps);
  ASSERT_EQ(found.size(), alone.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(found[i].equal(alone[i])) << i;
  EXPECT_EQ(Predictor(written).predict(images).logits.size(0), 20);
}

}  // namespace
}  // namespace onecycle::testing
