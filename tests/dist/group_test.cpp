#include "dist/group/store.h"
#include "support/ranks.h"
#include "support/signal_masks.h"
#include "support/temporary_folder.h"

#include <csignal>
#include <filesystem>
#include <gtest/gtest.h>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <unistd.h>

#include <ATen/ATen.h>

namespace onecycle::testing {
namespace {

using namespace std::chrono_literals;

// What each thread of this process blocks, by its number.
std::map<std::string, std::uint64_t> blocked_by_thread() {
  std::map<std::string, std::uint64_t> found;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task"))
    found[thread.path().filename()] =
        mask_in(read_bytes(thread.path().string() + "/status"), "SigBlk");
  return found;
}

// gloo and libuv write to sockets with signals: where the other end has gone, SIGPIPE would end the
// process without a word.
TEST(ThreadsOfRanks, TakeNoBrokenPipe) {
  const auto before = blocked_by_thread();
  const auto store = serve_store("127.0.0.1", 0, 5s);
  const auto serving = blocked_by_thread();
  EXPECT_GT(serving.size(), before.size());
  for (const auto& [thread, blocked] : serving)
    EXPECT_TRUE(before.contains(thread) || (blocked & bit(SIGPIPE)) != 0) << "serves the store";

  std::mutex mutex;
  std::set<std::string> ranks;
  on_ranks(2, [&](const std::shared_ptr<Group>& group) {
    at::Tensor tensor = at::ones({8});  // too few for threads of OpenMP
    group->all_reduce(tensor);
    const auto at_work = blocked_by_thread();
    group->all_reduce(tensor);  // both are still there
    const std::lock_guard lock(mutex);
    const std::string own = std::to_string(::gettid());
    EXPECT_EQ(at_work.at(own) & bit(SIGPIPE), 0U) << "a rank's own thread has its mask back";
    ranks.insert(own);
    if (ranks.size() < 2) return;
    for (const auto& [thread, blocked] : at_work)
      EXPECT_TRUE(serving.contains(thread) || ranks.contains(thread) ||
                  (blocked & bit(SIGPIPE)) != 0)
          << "of gloo";
    EXPECT_GE(at_work.size(), serving.size() + 4);
  });
}

}  // namespace
}  // namespace onecycle::testing
