#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace onecycle {

bool is_present(const std::filesystem::path& path);

// What ONECYCLE_TORCH_SITE says, "" where it is not set.
std::string named_site();

// The folders of packages of a Python installation or virtual environment.
std::vector<std::filesystem::path> packages_of(const std::filesystem::path& prefix);

// A folder of Python packages that holds torch, with the libraries that the engine loads.
struct LibTorch {
  std::filesystem::path site;
  std::string version;  // "2.11.0+cu130"
  bool has_cuda = false;

  // For LD_LIBRARY_PATH, before what it holds already.
  std::string library_path() const;
};

// Where one may be, the first before the others: what ONECYCLE_TORCH_SITE names, and then nothing
// else; the packages that `program` lies among; the active virtual environment (VIRTUAL_ENV,
// CONDA_PREFIX); what `./onecycle` put into the cache. No Python is started.
std::vector<std::filesystem::path> libtorch_places(const std::filesystem::path& program);

// Those of `places` that hold one.
std::vector<LibTorch> libtorches_in(const std::vector<std::filesystem::path>& places);

}  // namespace onecycle
