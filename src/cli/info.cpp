#include "cli/command.h"
#include "core/format.h"
#include "core/print.h"
#include "kernels/gather.h"
#include "kernels/processor.h"
#include "train/compute.h"

#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

namespace onecycle {

int info_command(int argc, char** argv) {
  CommandLine line("info", "Devices, libraries, versions and build options.", "[--json]",
                   "  onecycle info\n  onecycle info --json\n");
  if (!line.parse(argc, argv)) return 0;

  const std::string obstacle = why_no_cuda();
  const std::vector<std::pair<std::string, std::string>> facts = {
      {"onecycle", ONECYCLE_VERSION},
      {"LibTorch", TORCH_VERSION},
      {"compiler", __VERSION__},
      {"build", ONECYCLE_BUILD_TYPE},
      {"CPU", at::get_cpu_capability()},
      {"CPU bf16", kernels::has_bf16_products() ? "yes (AVX-512 BF16)" : "no"},
      {"cores", std::to_string(std::thread::hardware_concurrency())},
      {"threads", std::to_string(at::get_num_threads())},
      {"CUDA kernels", kernels::has_cuda_kernels() ? "built" : "not built (ONECYCLE_CUDA)"},
      {"CUDA device", obstacle.empty() ? "usable" : "none: " + obstacle},
      {"data sets", ONECYCLE_DATASET_DIR},
  };
  nlohmann::ordered_json json = {{"event", "info"}};
  for (const auto& [name, value] : facts) {
    json[name] = value;
    if (!line.json()) print("{:<14}{}\n", name, value);
  }
  if (line.json()) std::cout << json.dump() << std::endl;
  return 0;
}

}  // namespace onecycle
