#include "train/profile/profile.h"

#include "onecycle/error.h"

#include "core/files/files.h"
#include "core/text/format.h"
#include "train/profile/profile_table.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>

#include <ATen/record_function.h>
#include <torch/csrc/autograd/profiler_kineto.h>

namespace onecycle {

namespace {

namespace profiler = torch::autograd::profiler;

constexpr std::int64_t kWarmUp = 10;  // first steps allocate, and choose algorithms

// The profiler's clock is another one; only differences are taken of this one.
std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

StepProfile summarise(const profiler::ProfilerResult& result, std::uint64_t thread) {
  std::vector<ProfiledEvent> own;
  std::vector<ProfiledEvent> device;
  for (const profiler::KinetoEvent& event : result.events()) {
    const ProfiledEvent plain{event.name(), static_cast<std::int64_t>(event.startNs()),
                              static_cast<std::int64_t>(event.durationNs())};
    if (event.deviceType() != c10::kCPU) {
      device.push_back(plain);
    } else if (event.startThreadId() == thread && !event.isHiddenEvent()) {
      own.push_back(plain);
    }
  }
  StepProfile profile;
  profile.rows = self_times(std::move(own));
  profile.device = self_times(std::move(device));
  return profile;
}

}  // namespace

Profile::Profile(std::string folder, std::int64_t steps, bool gpu, Say say)
    : folder_(std::move(folder)), wanted_(steps), gpu_(gpu), say_(std::move(say)) {}

Profile::~Profile() {
  try {
    if (running_) profiler::disableProfiler();  // the run ended with an exception
  } catch (const std::exception&) {             // of a device that has failed
  }
}

void Profile::on_run_begin(const RunBegin& event) {
  const std::int64_t steps = event.total_steps - event.first_step;
  warm_up_ = std::min(kWarmUp, steps / 2);
  wanted_ = std::min(wanted_, steps - warm_up_);
  if (warm_up_ == 0) start();
}

void Profile::on_batch_end(const BatchEnd&) {
  seen_ += 1;
  if (seen_ == warm_up_) {
    start();
  } else if (running_ && seen_ == warm_up_ + wanted_) {
    finish();
  }
}

void Profile::on_run_end(const RunEnd&) {
  if (running_ && seen_ > warm_up_) {
    finish();
  } else if (seen_ <= warm_up_) {
    say_("profile    none: the run ended before the steps to be profiled\n");
  }
}

void Profile::start() {
  ::setenv("KINETO_LOG_LEVEL", "5", 0);  // its words on GPUs that are not there
  const profiler::ProfilerConfig config(profiler::ProfilerState::KINETO);
  std::set<profiler::ActivityType> activities = {profiler::ActivityType::CPU};
  if (gpu_) activities.insert(profiler::ActivityType::CUDA);
  profiler::prepareProfiler(config, activities);
  profiler::enableProfiler(config, activities);
  running_ = true;
  began_ = now();
}

void Profile::finish() {
  const std::int64_t duration = now() - began_;
  running_ = false;
  const auto result = profiler::disableProfiler();
  StepProfile profile = summarise(*result, at::RecordFunction::currentThreadId());
  profile.steps = seen_ - warm_up_;
  profile.duration = duration;

  const std::string trace = folder_ + "/profile.json";
  std::error_code error;
  std::filesystem::remove(trace, error);
  result->save(trace);
  if (!std::filesystem::exists(trace, error)) return say_lost("cannot write " + trace);
  const std::string text =
      format(
          "profile    {} steps after {}; the trace, for chrome://tracing or ui.perfetto.dev: {}\n",
          profile.steps, warm_up_, trace) +
      text_of(profile);
  try {
    write_file_atomically(folder_ + "/profile.txt", {text});
  } catch (const Error& thrown) {
    say_lost(thrown.what());
  }
  say_(text);
}

// The run goes on without.
void Profile::say_lost(const std::string& why) const {
  say_(format("profile    not written: {}\n", why));
}

}  // namespace onecycle
