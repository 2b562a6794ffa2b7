#include "cli/busy_machine.h"

#include "core/memory/host_memory.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <omp.h>
#include <system_error>
#include <utility>
#include <vector>

namespace onecycle {

namespace {

constexpr auto kBetweenLooks = std::chrono::milliseconds(250);  // often enough, and costs nothing
constexpr auto kBeforeASecondLook = std::chrono::milliseconds(50);
constexpr double kLeastWanted = 0.02;  // seconds
constexpr double kCrowded = 0.1;       // of what was wanted
constexpr double kQuiet = 0.03;
constexpr int kCrowdedLooks = 2;
constexpr int kQuietLooks = 5;

// Threads that sleep until this ends.
class Sleepers {
 public:
  Sleepers() = default;
  ~Sleepers() {
    over_ = true;
    over_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Sleepers(const Sleepers&) = delete;
  Sleepers& operator=(const Sleepers&) = delete;

  // Throws std::system_error where the system gives no more.
  void add(int count) {
    for (int i = 0; i < count; ++i) threads_.emplace_back([this] { over_.wait(false); });
  }

  // As many of libgomp's.
  void add_openmp(int count) {
    threads_.emplace_back([this, count] {
#pragma omp parallel num_threads(count)
      over_.wait(false);
    });
  }

 private:
  std::atomic<bool> over_ = false;
  std::vector<std::thread> threads_;
};

// libgomp ends the process where it cannot have a thread, so that is tried without it.
bool can_have(int count) {
  try {
    Sleepers().add(count);
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace

bool Crowding::look(const Times& now) {
  double running = 0;
  double waiting = 0;
  for (const auto& [thread, times] : now) {
    const auto before = before_.find(thread);
    if (before == before_.end()) continue;
    running += times.running - before->second.running;
    waiting += times.waiting - before->second.waiting;
  }
  before_ = now;
  const double wanted = running + waiting;
  if (wanted < kLeastWanted) return busy_;
  crowded_looks_ = waiting > kCrowded * wanted ? crowded_looks_ + 1 : 0;
  if (crowded_looks_ > 0) quiet_looks_ = 0;
  if (waiting < kQuiet * wanted) ++quiet_looks_;
  if (crowded_looks_ >= kCrowdedLooks) busy_ = true;
  if (quiet_looks_ >= kQuietLooks) busy_ = false;
  return busy_;
}

BusyMachineWatch::BusyMachineWatch(Times times) : times_(std::move(times)) {
  for (const char* chosen : {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"})
    if (std::getenv(chosen) != nullptr) return;
  try {
    thread_ = std::thread([this] { watch(); });
  } catch (const std::system_error&) {  // no more threads here: done without
  }
}

BusyMachineWatch::~BusyMachineWatch() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

void BusyMachineWatch::watch() {
  const int enough = omp_get_num_procs() + 1;
  Crowding crowding;
  std::unique_ptr<Sleepers> sleepers;
  std::unique_lock lock(mutex_);
  const auto pause = [&] { return crowding.suspects() ? kBeforeASecondLook : kBetweenLooks; };
  while (!ended_.wait_for(lock, pause(), [this] { return over_; })) {
    // Stacks count under a limit of data, touched or not.
    const bool busy = crowding.look(times_()) && data_limit() == kNoLimit;
    if (busy && !sleepers) {
      if (!can_have(enough)) return;
      sleepers = std::make_unique<Sleepers>();
      sleepers->add_openmp(enough);
    } else if (!busy) {
      sleepers.reset();
    }
  }
}

}  // namespace onecycle
