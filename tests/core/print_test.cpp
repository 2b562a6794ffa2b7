#include "core/text/print.h"

#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

TEST(Print, WhatCannotBeWrittenIsKeptByTheStreamAndStopsNothing) {
  std::FILE* full = std::fopen("/dev/full", "w");
  if (full == nullptr) GTEST_SKIP() << "needs /dev/full";
  std::setvbuf(full, nullptr, _IONBF, 0);
  EXPECT_NO_THROW(print(full, "{} of {}\n", 1, 2));
  EXPECT_NE(std::ferror(full), 0);
  std::fclose(full);
}

}  // namespace
}  // namespace onecycle::testing
