// Doxygen's view of the public headers (docs/Doxyfile), which must find every one of their types
// and functions described.

#include "support/program.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Documentation : public ::testing::Test {
 protected:
  void SetUp() override {
    if (Program({"doxygen", "--version"}, "/usr/bin/env").wait().exit_code != 0)
      GTEST_SKIP() << "needs doxygen";
    for (const char* part : {"include", "docs"})
      fs::copy(fs::path(source_dir()) / part, folder_ / part, fs::copy_options::recursive);
  }

  Outcome doxygen() {
    return Program({"-C", folder_.path(), "doxygen", "docs/Doxyfile"}, "/usr/bin/env").wait();
  }

  TemporaryFolder folder_;
};

TEST_F(Documentation, OfEveryTypeAndFunction) {
  const Outcome outcome = doxygen();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

TEST_F(Documentation, IsMissedWhereThereIsNoneOrItNamesAnotherParameter) {
  folder_.write_text("include/onecycle/more.h", R"(#pragma once

namespace onecycle {

int bare();

// The half. `whole`: of what.
int half(int all);

struct Bare {
  int size = 0;
};

// Numbers.
struct Held {
  int size = 0;
  int bare() const;
};

}  // namespace onecycle
)");
  const Outcome outcome = doxygen();
  EXPECT_NE(outcome.exit_code, 0);
  for (const char* complaint :
       {"Member bare() (function)", "Compound onecycle::Bare is", "Member bare() const (function)",
        "argument 'whole' of command @param is not found"})
    EXPECT_THAT(outcome.err, HasSubstr(complaint));
}

}  // namespace
}  // namespace onecycle::testing
