#include "data/files.h"

#include "onecycle/error.h"

#include "core/files/paths.h"
#include "core/process/this_process.h"
#include "core/text/format.h"

#include <algorithm>
#include <filesystem>
#include <strings.h>

namespace onecycle {

namespace fs = std::filesystem;

DataFiles data_files(const DataOptions& options, const DatasetDescriptor& descriptor) {
  DataFiles files;
  files.get = descriptor.get;
  if (!descriptor.downloads.empty())
    files.get = format("`{} data fetch {}` gets it", program_name(), descriptor.name) +
                (files.get.empty() ? "" : ", or: " + files.get);
  const std::vector<std::string> folders =
      options.dir ? std::vector<std::string>{*options.dir} : descriptor.folders;
  for (const std::string& folder : folders)
    if (const auto expanded = expand_path(folder)) files.folders.push_back(*expanded);
  return files;
}

std::optional<std::string> DataFiles::find(const std::string& file, FileNames names) const {
  const fs::path packed(file);
  const fs::path plain =
      packed.extension() == ".gz" ? fs::path(packed).replace_extension() : fs::path(file + ".gz");
  std::vector<fs::path> known = {packed, plain};
  if (names == FileNames::bare) known = {packed, packed.filename(), plain, plain.filename()};
  for (const std::string& folder : folders) {
    for (const fs::path& name : known) {
      const fs::path path = fs::path(folder) / name;
      std::error_code ignored;
      if (fs::is_regular_file(path, ignored)) return path.string();
    }
  }
  return std::nullopt;
}

std::optional<std::string> DataFiles::find_folder(const std::string& folder) const {
  for (const std::string& place : folders) {
    const fs::path path = folder == "." ? fs::path(place) : fs::path(place) / folder;
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) return path.string();
  }
  return std::nullopt;
}

std::optional<std::string> find_folder_in_any_case(const DataFiles& files,
                                                   const std::string& name) {
  if (const auto found = files.find_folder(name)) return found;
  for (const std::string& place : files.folders) {
    std::vector<std::string> found;
    std::error_code failed;
    fs::directory_iterator next(place, failed);
    for (; !failed && next != fs::directory_iterator(); next.increment(failed)) {
      const std::string folder = next->path().filename().string();
      std::error_code ignored;
      if (strcasecmp(folder.c_str(), name.c_str()) == 0 && next->is_directory(ignored))
        found.push_back(next->path().string());
    }
    if (!found.empty()) return *std::min_element(found.begin(), found.end());
  }
  return std::nullopt;
}

std::string DataFiles::places() const { return folders.empty() ? "any folder" : joined(folders); }

std::string DataFiles::path(const std::string& file, FileNames names) const {
  if (const auto found = find(file, names)) return *found;
  throw DataError(format("no file {} in {}; {}", file, places(),
                         get.empty() ? "data.dir names the folder of the files" : get));
}

bool is_same_file(const std::string& one, const std::string& other) {
  std::error_code ignored;
  return fs::equivalent(one, other, ignored);
}

void require_other_file(const std::string& train, const std::string& test) {
  if (is_same_file(train, test))
    throw DataError(
        format("{}: is the file of the training split too ({}); name that of the test split, or "
               "leave `test` out and set data.validation",
               test, train));
}

}  // namespace onecycle
