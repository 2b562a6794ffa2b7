#include "core/text/format.h"

#include "onecycle/datasets.h"
#include "onecycle/error.h"

#include "core/sha256.h"
#include "data/source_state.h"

#include <sys/stat.h>

namespace onecycle {

std::string state_of(const std::vector<std::string>& paths) {
  Sha256 digest;
  for (const std::string& path : paths) {
    struct stat status {};
    const bool found = ::stat(path.c_str(), &status) == 0;
    digest.add(format("{}\n{} {}.{}\n", path, found ? status.st_size : -1,
                      found ? status.st_mtim.tv_sec : 0, found ? status.st_mtim.tv_nsec : 0));
  }
  return digest.hex();
}

ImageSet DatasetFormat::read(Split split, const DataFiles&) const {
  throw DataError(
      format("{}: samples that are no pictures are read whole at every start, and cannot be packed",
             joined(files(split))));
}

bool DatasetFormat::present(const DataFiles& where) const {
  for (const Split split : {Split::train, Split::test})
    for (const std::string& file : files(split))
      if (!where.find(file, file_names())) return false;
  return true;
}

std::string DatasetFormat::state(const DataFiles& where) const {
  std::vector<std::string> paths;
  for (const Split split : {Split::train, Split::test})
    for (const std::string& file : files(split))
      paths.push_back(where.find(file, file_names()).value_or(file));
  return state_of(paths);
}

}  // namespace onecycle
