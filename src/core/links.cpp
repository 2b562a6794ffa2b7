#include "core/links.h"

#include "onecycle/error.h"

#include "core/format.h"

#include <algorithm>
#include <filesystem>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

bool is_inside(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

}  // namespace

void refuse_links_out_of(const std::string& folder) {
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  if (error) return;  // whoever opens it says so
  fs::recursive_directory_iterator entry(root, fs::directory_options::skip_permission_denied,
                                         error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code unread;
    if (!entry->is_symlink(unread)) continue;
    std::error_code nowhere;
    const fs::path target = fs::canonical(entry->path(), nowhere);
    if (!nowhere && is_inside(target, root)) continue;
    throw Error(
        format("{}: is a symbolic link that leads out of its folder; remove it, or replace it with "
               "what it points to",
               (fs::path(folder) / entry->path().lexically_relative(root)).string()));
  }
}

}  // namespace onecycle
