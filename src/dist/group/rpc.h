#pragma once

#include "dist/group/store.h"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace onecycle {

// Questions of ranks to rank 0, through the store; a rank asks one at a time.
class RpcClient {
 public:
  RpcClient(Store store, std::int64_t rank) : store_(std::move(store)), rank_(rank) {}

  // Waits for the answer; nothing once `stopped`. A waiting rank tells that it lives. Throws
  // DistError where the store is gone.
  std::optional<std::string> ask(const std::string& question, const std::function<bool()>& stopped);
  // Asks for no answer. The last question.
  void tell(const std::string& statement);
  // Tells that this rank lives, while it works.
  void beat();

 private:
  Store store_;
  std::int64_t rank_;
  std::int64_t asked_ = 0;
  std::int64_t beats_ = 0;
};

// Rank 0's side.
class RpcServer {
 public:
  using Clock = std::chrono::steady_clock;
  using Give = std::function<std::string(std::int64_t rank, const std::string& question)>;

  RpcServer(Store store, std::int64_t size, std::chrono::milliseconds timeout)
      : store_(std::move(store)), size_(size), timeout_(timeout) {}

  // Answers what waits; does not wait itself. Throws what `give` throws, and DistError.
  void serve(const Give& give);
  // Ranks that were heard of, and are not any more: silent for the time-out. Each once.
  std::optional<std::int64_t> lost();

 private:
  struct Asker {
    std::int64_t answered = 0;
    std::string beat;
    Clock::time_point heard;
    bool lost = false;
  };

  Store store_;
  std::int64_t size_;
  std::chrono::milliseconds timeout_;
  std::map<std::int64_t, Asker> askers_;  // those heard of
};

}  // namespace onecycle
