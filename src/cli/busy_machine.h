#pragma once

#include "core/process/processors.h"

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace onecycle {

// Whether other work keeps the processors that a process's threads would run on, by the share of
// their time that they waited for one between two looks: two crowded looks in a row make it busy,
// five quiet ones quiet again.
class Crowding {
 public:
  using Times = std::map<int, RunQueueTimes>;  // by thread

  // What holds from now on. A look at threads that hardly wanted to run changes nothing.
  bool look(const Times& now);

  // Whether the next look should come soon.
  bool suspects() const { return !busy_ && crowded_looks_ > 0; }

 private:
  Times before_;
  bool busy_ = false;
  int crowded_looks_ = 0;
  int quiet_looks_ = 0;
};

// While other work keeps the machine's processors, threads that compute together sleep soon where
// they wait for one another; otherwise they spin for milliseconds, as libgomp has it: what is
// fastest on a quiet machine takes the processor, on a busy one, from the thread that is waited
// for.
//
// libgomp reads how long they spin when it is loaded (GOMP_SPINCOUNT), but spins 100 times at most
// while there are more of its threads than processors (its manual, "GOMP_SPINCOUNT"). So this holds
// idle ones while the machine is busy. Does nothing where the user chose (GOMP_SPINCOUNT,
// OMP_WAIT_POLICY), under a limit of data (RLIMIT_DATA) or where the threads cannot be had.
class BusyMachineWatch {
 public:
  using Times = std::function<Crowding::Times()>;

  explicit BusyMachineWatch(Times times = run_queue_times_of_threads);
  ~BusyMachineWatch();
  BusyMachineWatch(const BusyMachineWatch&) = delete;
  BusyMachineWatch& operator=(const BusyMachineWatch&) = delete;

 private:
  void watch();

  Times times_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace onecycle
