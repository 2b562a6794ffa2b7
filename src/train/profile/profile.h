#pragma once

#include "onecycle/events.h"

#include <cstdint>
#include <functional>
#include <string>

namespace onecycle {

// Profiles some steps after a warm-up with LibTorch's profiler: profile.json, a Chrome trace, and
// profile.txt, where the step's time goes. The run goes on; but for those steps it is as fast as
// without.
class Profile : public Observer {
 public:
  using Say = std::function<void(const std::string& text)>;

  // `say` gets the text of profile.txt. `gpu`: whether there is one to be profiled, too.
  Profile(std::string folder, std::int64_t steps, bool gpu, Say say);
  ~Profile() override;
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  void on_run_begin(const RunBegin& event) override;
  void on_batch_end(const BatchEnd& event) override;
  void on_run_end(const RunEnd& event) override;

 private:
  void start();
  void finish();
  void say_lost(const std::string& why) const;

  std::string folder_;
  std::int64_t wanted_;
  bool gpu_;
  Say say_;
  std::int64_t warm_up_ = 0;  // steps
  std::int64_t seen_ = 0;     // steps since the run began, or was resumed
  bool running_ = false;
  std::int64_t began_ = 0;  // ns
};

}  // namespace onecycle
