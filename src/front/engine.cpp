#include "front/engine.h"

#include "front/libtorch.h"

#include <optional>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace onecycle {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBuiltWith = ONECYCLE_TORCH_MINOR;  // "2.11"

bool fits(const LibTorch& torch) {
  return torch.version.starts_with(kBuiltWith) && torch.version.size() > kBuiltWith.size() &&
         torch.version[kBuiltWith.size()] == '.';
}

std::string how_to_get() {
  return "install it with `pip install torch==" + std::string(kBuiltWith) +
         ".*` into the active virtual environment, or name the folder of packages that holds it: "
         "ONECYCLE_TORCH_SITE=...";
}

// Where an installed front end's engines may be: in its own prefix, or in the package of a wheel
// whose script it is.
std::vector<fs::path> homes_of(const fs::path& front_end) {
  const fs::path prefix = front_end.parent_path().parent_path();
  std::vector<fs::path> homes = {prefix / "libexec", prefix / "onecycle/libexec"};
  for (const fs::path& packages : packages_of(prefix))
    homes.push_back(packages / "onecycle/libexec");
  return homes;
}

}  // namespace

Engine find_engine(const fs::path& front_end) {
  const fs::path built = front_end.parent_path() / "libexec/onecycle";
  if (is_present(built)) return {built, ""};
  fs::path cuda, cpu;
  for (const fs::path& home : homes_of(front_end)) {
    cuda = home / "onecycle-cuda";
    cpu = home / "onecycle-cpu";
    if (is_present(cuda) || is_present(cpu)) break;
  }
  if (!is_present(cuda) && !is_present(cpu))
    throw std::runtime_error("libexec/onecycle, which belongs to " + front_end.string() +
                             ", is not beside it: build it again or keep both together");
  const auto found = libtorches_in(libtorch_places(cpu));
  std::optional<LibTorch> usable;
  for (const LibTorch& torch : found) {
    if (!fits(torch)) continue;
    if (torch.has_cuda && is_present(cuda)) return {cuda, torch.library_path()};
    if (is_present(cpu) && !usable) usable = torch;
  }
  if (usable) return {cpu, usable->library_path()};
  if (const std::string named = named_site(); found.empty() && !named.empty())
    throw std::runtime_error("ONECYCLE_TORCH_SITE=" + named +
                             " holds no torch/lib/libtorch_cpu.so: name the folder of packages "
                             "(site-packages) that torch is in");
  if (found.empty())
    throw std::runtime_error("no LibTorch " + std::string(kBuiltWith) + " found; " + how_to_get());
  const LibTorch& first = found.front();
  throw std::runtime_error("LibTorch " + first.version + " in " + first.site.string() +
                           " cannot be used: this program was built with " +
                           std::string(kBuiltWith) +
                           (fits(first) ? " and CUDA, which it lacks; " : "; ") + how_to_get());
}

}  // namespace onecycle
