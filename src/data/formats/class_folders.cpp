#include "data/formats/class_folders.h"

#include "onecycle/error.h"
#include "onecycle/registry.h"

#include "core/text/format.h"
#include "core/text/printable.h"
#include "core/text/utf8.h"
#include "data/pictures/picture.h"

#include <algorithm>
#include <filesystem>
#include <sys/stat.h>
#include <unordered_map>
#include <utility>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kDeepest = 64;  // folders within folders

struct Entries {
  std::vector<std::string> folders;  // names, sorted
  std::vector<std::string> files;
};

Entries entries_of(const std::string& folder) {
  Entries entries;
  std::error_code failed;
  fs::directory_iterator next(folder, failed);
  for (; !failed && next != fs::directory_iterator(); next.increment(failed)) {
    const std::string name = next->path().filename().string();
    std::error_code ignored;  // a broken link is neither
    if (name.starts_with(".")) continue;
    if (next->is_directory(ignored))
      entries.folders.push_back(name);
    else if (picture_name(name) != PictureName::no)
      entries.files.push_back(name);
  }
  if (failed) throw DataError(format("{}: cannot be read: {}", folder, failed.message()));
  std::sort(entries.folders.begin(), entries.folders.end());
  std::sort(entries.files.begin(), entries.files.end());
  return entries;
}

// What tells one folder from another, whatever its name.
std::pair<dev_t, ino_t> identity(const std::string& folder) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

using Ancestors = std::vector<std::pair<dev_t, ino_t>>;

bool is_stranger(const LabelledFile& file) { return picture_name(file.path) == PictureName::other; }

void collect(const std::string& folder, std::int64_t label, Ancestors& above,
             std::vector<LabelledFile>& found) {
  const auto own = identity(folder);
  if (std::find(above.begin(), above.end(), own) != above.end())
    throw DataError(format("{}: a link to a folder that holds it; remove the link", folder));
  if (above.size() > kDeepest)
    throw DataError(format("{}: more than {} folders deep; flatten it", folder, kDeepest));
  above.push_back(own);
  const Entries entries = entries_of(folder);
  for (const std::string& file : entries.files) found.push_back({folder + "/" + file, label});
  for (const std::string& inner : entries.folders)
    collect(folder + "/" + inner, label, above, found);
  above.pop_back();
}

}  // namespace

std::vector<std::string> class_folders(const std::string& root) {
  std::vector<std::string> classes = entries_of(root).folders;
  if (classes.empty())
    throw DataError(format("{}: holds no folders; put the pictures in one folder per class", root));
  for (const std::string& name : classes)
    if (const char* why = why_no_name(name))
      throw DataError(format("{}: the name of its folder '{}' {}, and names a class; rename it",
                             root, printable(name), why));
  return classes;
}

std::vector<LabelledFile> labelled_pictures(const std::string& root,
                                            const std::vector<std::string>& classes,
                                            bool every_class, bool strangers) {
  std::vector<LabelledFile> found;
  std::unordered_map<std::string, std::int64_t> labels;
  for (const std::string& name : classes)
    labels.emplace(name, static_cast<std::int64_t>(labels.size()));
  for (const std::string& name : class_folders(root)) {
    const auto place = labels.find(name);
    if (place == labels.end()) {
      const std::string nearest = nearest_name(name, classes);
      throw DataError(
          format("{}/{}: not a class of the training part{}; rename the folder, or leave it out",
                 root, name, nearest.empty() ? "" : ", did you mean " + nearest + "?"));
    }
    const auto before = static_cast<std::ptrdiff_t>(found.size());
    Ancestors above{identity(root)};
    collect(root + "/" + name, place->second, above, found);
    const auto stranger = std::find_if(found.begin() + before, found.end(), is_stranger);
    if (!strangers && stranger != found.end())
      throw DataError(
          format("{}: only JPEG, PNG, WebP, BMP and GIF pictures are read; convert it, or leave it "
                 "out (format.bad: skip leaves out all that cannot be read)",
                 stranger->path));
    if (every_class && std::all_of(found.begin() + before, found.end(), is_stranger))
      throw DataError(
          format("{}/{}: no JPEG, PNG, WebP, BMP or GIF pictures in this class folder; remove it, "
                 "or add some",
                 root, name));
  }
  return found;
}

}  // namespace onecycle
