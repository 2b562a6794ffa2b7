#include "cli/ranks.h"

#include "onecycle/compute.h"
#include "onecycle/error.h"

#include "cli/signals.h"
#include "core/process/processors.h"
#include "core/text/format.h"
#include "core/text/number.h"
#include "dist/launch/launcher.h"
#include "dist/launch/place.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>

#include <ATen/Parallel.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace onecycle {

namespace {

constexpr std::string_view kRanksOption = "--ranks";
constexpr std::string_view kMaxRestartsOption = "--max-restarts";
constexpr std::int64_t kMostRanks = 1024;

std::int64_t ranks_of(const CommandLine& line) {
  const std::string text = line.text("ranks");
  if (text == "gpus") {
    const std::int64_t gpus = num_gpus();
    if (gpus == 0) line.misused("--ranks gpus: this machine shows no GPU; give a number");
    return gpus;
  }
  const auto ranks = parse_integer(text);
  if (!ranks || *ranks < 1 || *ranks > kMostRanks)
    line.misused(format("--ranks: expected a number from 1 to {}, or gpus", kMostRanks));
  return *ranks;
}

std::int64_t restarts_of(const CommandLine& line) {
  const auto restarts = parse_integer(line.text("max-restarts", "0"));
  if (!restarts || *restarts < 0) line.misused("--max-restarts: expected a number, 0 or more");
  return *restarts;
}

// The command line of each rank: as it was, without the launcher's own options.
std::vector<std::string> without_launch_options(int argc, char** argv) {
  std::vector<std::string> kept;
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--") {
      kept.insert(kept.end(), argv + i, argv + argc);
      break;
    }
    if (argument == kRanksOption || argument == kMaxRestartsOption) {
      ++i;
      continue;
    }
    const std::string_view name = argument.substr(0, argument.find('='));
    if (name != kRanksOption && name != kMaxRestartsOption) kept.emplace_back(argument);
  }
  return kept;
}

std::int64_t num_visible(const char* list) {
  if (*list == '\0') return 0;
  return 1 + std::count(list, list + std::strlen(list), ',');
}

// Threads of ranks that share a machine, unless someone chose them.
void share_cores(const RankPlace& place) {
  if (place.local_size == 1 || std::getenv("OMP_NUM_THREADS") != nullptr) return;
  at::set_num_threads(static_cast<int>(share_of_processors(place.local_size)));
}

}  // namespace

RankScope::RankScope(CommandLine& line, DeviceChoice device) : group_(alone()) {
  const auto place = place_in_environment();
  if (!place) return;
  if (place->rank > 0) line.follow();
  share_cores(*place);
  session_.emplace(*place, RankSessionOptions{.one_terminal = true});
  const bool gpu = finds_gpu(device, place->local_rank);
  if (gpu)  // what asks for no device works on this rank's
    c10::impl::VirtualGuardImpl(at::kCUDA).setDevice(
        {at::kCUDA, static_cast<at::DeviceIndex>(place->local_rank)});
  group_ = session_->join(gpu);
}

void RankScope::announce_folder(const std::string& folder) {
  if (session_) session_->announce_folder(folder);
}

std::string folder_to_resume() {
  const char* folder = std::getenv("ONECYCLE_RESUME");
  return folder == nullptr ? "" : folder;
}

std::shared_ptr<Group> alone_in_place() {
  const auto place = place_in_environment();
  return alone(place ? place->local_rank : 0);
}

std::int64_t num_gpus() {
  std::int64_t devices = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/dev", ignored)) {
    const std::string name = entry.path().filename().string();
    const std::string_view number =
        std::string_view(name).substr(std::min<std::size_t>(6, name.size()));
    if (name.starts_with("nvidia") && !number.empty() &&
        std::all_of(number.begin(), number.end(),
                    [](unsigned char letter) { return std::isdigit(letter) != 0; }))
      ++devices;
  }
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  return visible == nullptr ? devices : std::min(devices, num_visible(visible));
}

void add_ranks(CommandLine& line) {
  line.add_option("ranks", "N",
                  "train with N processes on this machine, or `gpus`: one for each of its GPUs");
  line.add_option(
      "max-restarts", "N",
      "start all ranks again, from the last checkpoint, when one is lost: N times at most");
}

std::optional<int> launch_ranks(const CommandLine& line, int argc, char** argv, RanksAre ranks) {
  live_with_launcher();
  const auto place = place_in_environment();
  if (line.has("ranks") || (place && place->port != 0)) hush_c10d();
  if (!line.has("ranks")) {
    if (line.has("max-restarts")) line.misused("--max-restarts belongs to --ranks");
    return std::nullopt;
  }
  LaunchOptions options;
  options.ranks = ranks_of(line);
  options.max_restarts = restarts_of(line);
  if (place && place->size > 1)
    throw UsageError(
        format("--ranks {} was given, but this is rank {} of {} that {} started already: leave "
               "--ranks out, or start one process without {}",
               line.text("ranks"), place->rank, place->size, place->launcher, place->launcher));
  options.arguments = without_launch_options(argc, argv);
  options.verbose = line.console().verbose();
  options.workers = ranks == RanksAre::workers;
  leave_signals_alone();
  return launch(options);
}

}  // namespace onecycle
