#include <gtest/gtest.h>

TEST(LeanStepOnAGpu, NeverWaitsForTheDevice) { GTEST_SKIP() << "built without CUDA"; }
