#include "cli/picture_files.h"

#include "core/text/format.h"
#include "data/pictures/picture.h"

#include <algorithm>
#include <filesystem>
#include <iostream>

namespace onecycle {

namespace {

namespace fs = std::filesystem;

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with("."); }

// Links to folders are not followed: they may lead back.
std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  for (auto at = fs::recursive_directory_iterator(folder); at != fs::end(at); ++at) {
    if (is_hidden(at->path())) {
      if (at->is_directory()) at.disable_recursion_pending();
      continue;
    }
    if (!at->is_directory()) files.push_back(at->path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Lists of other systems end their lines in CRLF.
std::string without_return(std::string line) {
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace

void for_each_picture(const std::vector<std::string>& arguments,
                      const std::function<void(const std::string&)>& take,
                      const std::function<void(const std::string&, const std::string&)>& fail) {
  const auto take_folder = [&](const std::string& folder) {
    std::vector<std::string> files;
    try {
      files = files_in(folder);
    } catch (const fs::filesystem_error& error) {
      return fail(folder, format("{}: cannot be read: {}", folder, error.code().message()));
    }
    bool any = false;
    for (const std::string& file : files) {
      const PictureName name = picture_name(file);
      any = any || name != PictureName::no;
      if (name == PictureName::readable) take(file);
      if (name == PictureName::other)
        fail(file, file + ": not a supported picture format; convert it to PNG or JPEG");
    }
    if (!any) fail(folder, folder + ": holds no pictures");
  };
  for (const std::string& argument : arguments) {
    if (argument == "-") {
      for (std::string name; std::getline(std::cin, name);)
        if (const std::string file = without_return(std::move(name)); !file.empty()) take(file);
    } else if (fs::is_directory(argument)) {
      take_folder(argument);
    } else {
      take(argument);
    }
  }
}

}  // namespace onecycle
