#pragma once

#include <chrono>
#include <thread>

namespace onecycle::testing {

// Whether it holds within two minutes: long enough for any machine, and no test is slower for it.
template <typename Condition>
bool comes_true(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace onecycle::testing
