#include "core/files/paths.h"

#include "onecycle/error.h"
#include "onecycle/registry.h"

#include "core/files/home_folder.h"
#include "core/text/format.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

namespace onecycle {

std::optional<std::string> expand_path(const std::string& path) {
  std::string result = path;
  if (result == "~" || result.starts_with("~/")) {
    const std::string home = home_folder();
    if (home.empty()) return std::nullopt;
    result.replace(0, 1, home);
  }
  for (std::size_t at = 0; (at = result.find("${", at)) != std::string::npos;) {
    const std::size_t end = result.find('}', at);
    if (end == std::string::npos) break;
    const char* value = std::getenv(result.substr(at + 2, end - at - 2).c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    result.replace(at, end + 1 - at, value);
    at += std::strlen(value);
  }
  return result;
}

namespace fs = std::filesystem;

namespace {

bool is_inside(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

// No more than a user could look through.
std::vector<std::string> names_in(const fs::path& folder) {
  constexpr std::size_t kMost = 10'000;
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
    if (names.size() > kMost) return {};
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string near_path(const std::string& path) {
  const fs::path wanted = path;
  std::error_code error;
  fs::path found;
  for (auto part = wanted.begin(); part != wanted.end(); ++part) {
    if (fs::exists(found / *part, error)) {
      found /= *part;
      continue;
    }
    const auto names = names_in(found.empty() ? "." : found);
    const std::string nearest = nearest_name(part->string(), names);
    if (nearest.empty()) return "";
    found /= nearest;
    while (++part != wanted.end()) found /= *part;
    return fs::exists(found, error) ? found.string() : "";
  }
  return "";
}

std::string why_unread(const std::string& path, int error) {
  const std::string near = error == ENOENT ? near_path(path) : "";
  return std::strerror(error) + (near.empty() ? "" : format("; did you mean {}?", near));
}

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
