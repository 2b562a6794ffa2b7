#include "front/libtorch.h"

#include "core/files/home_folder.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace onecycle {

namespace {

namespace fs = std::filesystem;

using Places = std::vector<fs::path>;

constexpr const char* kLibraries = "torch/lib";
constexpr const char* kCudaLibraries = "nvidia/cu13/lib";

// "" where it is not set.
std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Places entries_of(const fs::path& folder) {
  Places entries;
  std::error_code none;
  for (fs::directory_iterator entry(folder, none), end; entry != end; entry.increment(none))
    entries.push_back(entry->path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

void add(const Places& more, Places& places) {
  places.insert(places.end(), more.begin(), more.end());
}

fs::path cache() {
  const std::string chosen = variable("XDG_CACHE_HOME");
  return (chosen.empty() ? fs::path(home_folder()) / ".cache" : fs::path(chosen)) / "onecycle";
}

// The text in quotes of the line that begins with __version__.
std::string version_in(const fs::path& file) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("__version__")) continue;
    const std::size_t begin = line.find('\'') + 1;
    return line.substr(begin, line.find('\'', begin) - begin);
  }
  return "";
}

}  // namespace

bool is_present(const fs::path& path) {
  std::error_code none;
  return fs::exists(path, none);
}

std::string named_site() { return variable("ONECYCLE_TORCH_SITE"); }

Places packages_of(const fs::path& prefix) {
  Places places;
  for (const char* lib : {"lib", "lib64"})
    for (const fs::path& python : entries_of(prefix / lib))
      if (python.filename().string().starts_with("python"))
        for (const char* name : {"site-packages", "dist-packages"}) places.push_back(python / name);
  return places;
}

std::string LibTorch::library_path() const {
  std::string path = (site / kLibraries).string();
  // libc10_cuda.so needs it, which comes without a GPU's libraries too.
  if (is_present(site / kCudaLibraries)) path += ":" + (site / kCudaLibraries).string();
  return path;
}

std::vector<fs::path> libtorch_places(const fs::path& program) {
  const std::string named = named_site();
  if (!named.empty()) return {named};
  Places places;
  for (fs::path folder = program.parent_path(); folder.has_relative_path();
       folder = folder.parent_path())
    places.push_back(folder);
  for (const char* active : {"VIRTUAL_ENV", "CONDA_PREFIX"})
    if (const std::string prefix = variable(active); !prefix.empty())
      add(packages_of(prefix), places);
  for (const fs::path& entry : entries_of(cache()))
    if (entry.filename().string().starts_with("torch-")) add(packages_of(entry), places);
  return places;
}

std::vector<LibTorch> libtorches_in(const Places& places) {
  std::vector<LibTorch> found;
  for (const fs::path& site : places) {
    if (!is_present(site / kLibraries / "libtorch_cpu.so")) continue;
    found.push_back({site, version_in(site / "torch/version.py"),
                     is_present(site / kLibraries / "libtorch_cuda.so") &&
                         is_present(site / kCudaLibraries / "libcublas.so.13")});
  }
  return found;
}

}  // namespace onecycle
