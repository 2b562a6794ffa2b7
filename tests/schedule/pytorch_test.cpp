// Against the rates and momenta that PyTorch's own schedulers and fastai's gave
// (tests/golden/schedule.py and fastai_schedule.py).

#include "schedule/support.h"
#include "support/places.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace onecycle {
namespace {

struct Case {
  std::string head, source, name, options;
  std::int64_t total = 0;
  std::vector<double> lr, momentum;
};

const std::string kTorch = source_dir() + "/tests/golden/schedule.txt";
const std::string kFastAi = source_dir() + "/tests/golden/fastai_schedule.txt";

std::vector<Case> read_cases(const std::string& golden) {
  const char* given = std::getenv("ONECYCLE_GOLDEN");
  std::ifstream file(given ? given : golden.c_str());
  std::vector<Case> cases;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "case") {
      Case& added = cases.emplace_back();
      added.head = line;
      words >> added.source >> added.name >> added.total;
      std::getline(words, added.options);
    } else if (kind == "lr" || kind == "momentum") {
      auto& numbers = kind == "lr" ? cases.back().lr : cases.back().momentum;
      for (std::string number; words >> number;)
        numbers.push_back(std::strtod(number.c_str(), nullptr));
    }
  }
  return cases;
}

void expect_every_step_equal(const std::vector<Case>& cases) {
  ASSERT_GE(cases.size(), 100u);
  double worst = 0;
  for (const Case& golden : cases) {
    SCOPED_TRACE(golden.head);
    const auto schedule = schedule_of(golden.name, golden.options);
    ASSERT_EQ(static_cast<std::int64_t>(golden.lr.size()), golden.total);
    const double lr_max = *std::max_element(golden.lr.begin(), golden.lr.end());
    for (std::int64_t step = 0; step < golden.total; ++step) {
      const Hyper hyper = schedule->at(step, golden.total);
      const auto index = static_cast<std::size_t>(step);
      ASSERT_NEAR(hyper.lr, golden.lr[index], 1e-12 * lr_max) << "learning rate of step " << step;
      worst = std::max(worst, std::abs(hyper.lr - golden.lr[index]) / lr_max);
      if (!golden.momentum.empty()) {
        ASSERT_NEAR(hyper.momentum, golden.momentum[index], 1e-12) << "momentum of step " << step;
      }
    }
  }
  std::printf("%zu cases; largest difference %.1e of the highest rate\n", cases.size(), worst);
}

TEST(PyTorch, EveryStepIsEqual) { expect_every_step_equal(read_cases(kTorch)); }

TEST(FastAiItself, EveryStepIsEqual) { expect_every_step_equal(read_cases(kFastAi)); }

TEST(PyTorch, EverySchedulerIsCompared) {
  std::vector<std::string> sources;
  for (const Case& golden : read_cases(kTorch)) sources.push_back(golden.source);
  for (const char* source : {"OneCycleLR", "CyclicLR", "CosineAnnealingWarmRestarts", "MultiStepLR",
                             "LinearLR", "ExponentialLR", "SequentialLR"})
    EXPECT_NE(std::find(sources.begin(), sources.end(), source), sources.end()) << source;
}

}  // namespace
}  // namespace onecycle
