#include "front/engine.h"

#include "front/libtorch.h"

#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace onecycle {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBuiltWith = ONECYCLE_TORCH_MINOR;  // "2.11"

bool has_file(const fs::path& path) {
  std::error_code none;
  return fs::exists(path, none);
}

bool fits(const LibTorch& torch) {
  return torch.version.starts_with(kBuiltWith) && torch.version.size() > kBuiltWith.size() &&
         torch.version[kBuiltWith.size()] == '.';
}

std::string how_to_get() {
  return "install it with `pip install torch==" + std::string(kBuiltWith) +
         ".*` into the active virtual environment, or name the folder of packages that holds it: "
         "ONECYCLE_TORCH_SITE=...";
}

}  // namespace

Engine find_engine(const fs::path& front_end) {
  const fs::path built = front_end.parent_path() / "libexec/onecycle";
  if (has_file(built)) return {built, ""};
  const fs::path installed = front_end.parent_path().parent_path() / "libexec";
  const fs::path cuda = installed / "onecycle-cuda";
  const fs::path cpu = installed / "onecycle-cpu";
  if (!has_file(cuda) && !has_file(cpu))
    throw std::runtime_error("libexec/onecycle, which belongs to " + front_end.string() +
                             ", is not beside it: build it again or keep both together");
  const auto found = libtorches_in(libtorch_places(front_end));
  std::optional<LibTorch> usable;
  for (const LibTorch& torch : found) {
    if (!fits(torch)) continue;
    if (torch.has_cuda && has_file(cuda)) return {cuda, torch.library_path()};
    if (has_file(cpu) && !usable) usable = torch;
  }
  if (usable) return {cpu, usable->library_path()};
  if (const char* named = std::getenv("ONECYCLE_TORCH_SITE");
      found.empty() && named != nullptr && *named != '\0')
    throw std::runtime_error("ONECYCLE_TORCH_SITE=" + std::string(named) +
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
