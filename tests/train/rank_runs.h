#pragma once

#include "core/text/format.h"
#include "support/ranks.h"
#include "train/support.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

// Runs that several ranks train together, a thread each, and how they are held against one another.
namespace onecycle {

using Settings = std::vector<std::string>;

struct Trained {
  RunEnd end;
  std::vector<at::Tensor> weights;
};

inline RecipeRun run_on(const std::shared_ptr<Group>& group, const Settings& settings) {
  Environment environment;
  environment.group = group;
  return build(tiny_recipe(settings), environment);
}

inline Trained train_on(const std::shared_ptr<Group>& group, const Settings& settings) {
  RecipeRun run = run_on(group, settings);
  Trainer trainer(run);
  Trained result;
  result.end = trainer.fit();
  result.weights = state_of(run);
  return result;
}

// Of rank 0; the others' are held against it.
inline Trained train_on_ranks(std::int64_t ranks, const Settings& settings) {
  std::vector<Trained> results(static_cast<std::size_t>(ranks));
  testing::on_ranks(ranks, [&](const std::shared_ptr<Group>& group) {
    results[static_cast<std::size_t>(group->rank())] = train_on(group, settings);
  });
  for (const Trained& other : results) {
    EXPECT_TRUE(bitwise_equal(other.weights, results[0].weights));
    EXPECT_EQ(other.end.steps, results[0].end.steps);
    EXPECT_EQ(other.end.train->loss, results[0].end.train->loss);
  }
  return results[0];
}

inline double largest_difference(const std::vector<at::Tensor>& a,
                                 const std::vector<at::Tensor>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    largest =
        std::max(largest, (a[i].to(at::kDouble) - b[i].to(at::kDouble)).abs().max().item<double>());
  return largest;
}

inline Settings with(Settings base, const Settings& more) {
  base.insert(base.end(), more.begin(), more.end());
  return base;
}

inline std::string batch(std::int64_t size) { return format("data.batch_size={}", size); }

inline void expect_same(const Trained& a, const Trained& b, double tolerance) {
  EXPECT_LT(largest_difference(a.weights, b.weights), tolerance);
  EXPECT_NEAR(a.end.train->loss, b.end.train->loss, tolerance);
  EXPECT_EQ(a.end.train->samples, b.end.train->samples);
  EXPECT_EQ(a.end.steps, b.end.steps);
  EXPECT_NEAR(a.end.test->loss, b.end.test->loss, tolerance);
  EXPECT_EQ(a.end.test->samples, b.end.test->samples);
}

}  // namespace onecycle
