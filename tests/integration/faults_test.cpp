// Runs of which one file operation fails or is the last: a sample of what tests/endurance/faults.py
// disturbs.

#include "support/places.h"
#include "support/program.h"

#include <cstdlib>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

// As many disturbed runs of a scenario, of all kinds of calls and ways to fail.
void expect_nothing_lost(const std::string& scenario, int count) {
  constexpr int kSkipped = 77;
  const Outcome outcome =
      Program({"python3", source_dir() + "/tests/endurance/faults.py", "--program", program_path(),
               "--scenario", scenario, "--sample", std::to_string(count)},
              "/usr/bin/env")
          .wait();
  if (outcome.exit_code == kSkipped) GTEST_SKIP() << outcome.out;
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
}

TEST(Faults, ATrainingGoesOnOrIsResumedExactly) { expect_nothing_lost("train", 16); }

TEST(Faults, ASearchGoesOnOrIsResumedExactly) { expect_nothing_lost("search", 5); }

}  // namespace
}  // namespace onecycle::testing
