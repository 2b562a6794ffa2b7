#include "onecycle/compute.h"
#include "onecycle/device_settings.h"

#include "cli/command.h"
#include "cli/console.h"
#include "cli/shipped.h"
#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/print.h"
#include "kernels/batch/gather.h"
#include "kernels/processor.h"

#include <thread>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

namespace onecycle {

namespace {

std::string features_text(const kernels::CpuFeatures& features, const std::string& cap) {
  return format("{}{}{}", kernels::name_of(features.level), features.tiles ? ", tiles (AMX)" : "",
                cap.empty() ? "" : " (" + cap + ")");
}

}  // namespace

int info_command(int argc, char** argv) {
  CommandLine line("info", "Devices, libraries, versions and build options.", "[--json]",
                   "  onecycle info\n"
                   "  onecycle info --json\n"
                   "  ONECYCLE_CPU=avx2 onecycle info        our own loops limited to generic, "
                   "avx2, avx512 or bf16\n");
  if (!line.parse(argc, argv)) return 0;

  const std::string obstacle = why_no_cuda(), no_bf16 = kernels::why_no_bf16();
  const kernels::Processor& here = kernels::processor();
  const std::vector<std::pair<std::string, std::string>> facts = {
      {"onecycle", ONECYCLE_VERSION},
      {"LibTorch", TORCH_VERSION},
      {"compiler", __VERSION__},
      {"build", ONECYCLE_BUILD_TYPE},
      {"CPU", at::get_cpu_capability()},
      {"CPU level", features_text(here.hardware, "")},
      {"CPU bf16", no_bf16.empty() ? "yes (AVX-512 BF16)" : "no: " + no_bf16},
      {"own loops", features_text({here.own, false}, here.own_cap)},
      {"oneDNN", features_text(here.onednn, here.onednn_cap)},
      {"cores", std::to_string(std::thread::hardware_concurrency())},
      {"threads", std::to_string(at::get_num_threads())},
      {"CUDA kernels", kernels::has_cuda_kernels() ? "built" : "not built (ONECYCLE_CUDA)"},
      {"CUDA device", obstacle.empty() ? "usable" : "none: " + obstacle},
      {"TF32", obstacle.empty() && has_tf32({at::kCUDA, 0}) ? "yes (train.tf32)" : "no"},
      {"data sets", shipped_datasets()},
  };
  Json json = {{"event", "info"}};
  for (const auto& [name, value] : facts) {
    json[name] = value;
    if (!line.json()) print("{:<14}{}\n", name, value);
  }
  if (line.json()) print_json(json);
  return 0;
}

}  // namespace onecycle
