#include "core/files/files.h"

#include "onecycle/error.h"

#include "core/files/file_error.h"
#include "core/files/mapped_file.h"
#include "core/files/part_file.h"
#include "core/text/format.h"
#include "core/text/number.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

// Makes the folder and those that it lies in; each one's name is flushed to the disk. Returns the
// errno of what could not be made, or 0.
int try_to_make_folders(const std::string& path) {
  std::vector<fs::path> missing;
  std::error_code error;
  for (fs::path at = path; !at.empty() && !fs::exists(at, error); at = at.parent_path())
    missing.push_back(at);
  for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
    if (::mkdir(at->c_str(), 0777) != 0 && errno != EEXIST) return errno;
    flush_folder(folder_of(at->string()));
  }
  return fs::is_directory(path, error) ? 0 : ENOTDIR;
}

}  // namespace

void write_file_atomically(const std::string& path, const std::vector<std::string_view>& parts) {
  PartFile file(path);
  for (const std::string_view part : parts) file.write(part);
  file.place();
}

void replace_with_link(const std::string& file, const std::string& name) {
  remove_dead_parts_of(name);
  const std::string temporary = format("{}.{}.part", name, ::getpid());
  ::unlink(temporary.c_str());
  if (::link(file.c_str(), temporary.c_str()) != 0) {
    if (errno == ENOENT || is_fault_of_system(errno)) fail_on_file(name, "cannot be written");
    return write_file_atomically(name, {MappedFile(file).bytes()});  // no hard links here
  }
  const bool placed = ::rename(temporary.c_str(), name.c_str()) == 0;
  const int why = errno;
  // Renaming over another name of the same file leaves both.
  ::unlink(temporary.c_str());
  errno = why;
  if (!placed) fail_on_file(name, "cannot be moved into place");
  flush_folder(folder_of(name));
}

void make_folders(const std::string& path) {
  errno = try_to_make_folders(path);
  if (errno != 0) fail_on_file(path, "cannot be created");
}

FolderLock::FolderLock(const std::string& folder)
    : lock_(folder + "/.lock", O_WRONLY | O_CREAT | O_NOFOLLOW) {
  if (!lock_.file()) fail_on_file(folder, "cannot be written to");
  if (lock_.taken())
    throw Error(folder + ": another process is training this run; wait for it, or end it");
  // A file system without locks is used without.
  if (lock_.held()) remove_dead_parts_in(folder);
}

std::unique_ptr<FolderLock> FolderLock::if_free(const std::string& folder) {
  try {
    return std::make_unique<FolderLock>(folder);
  } catch (const Error&) {
    return nullptr;
  }
}

std::string create_numbered_folder(const std::string& base) {
  if (const int why = try_to_make_folders(base); why != 0)
    throw FileError(
        format("{}: the output folder cannot be created: {}; set output.dir to a folder that can "
               "be written to",
               base, std::strerror(why)));
  std::error_code error;
  std::int64_t number = 1;
  for (const auto& entry : fs::directory_iterator(base, error))
    if (const auto taken = parse_integer(entry.path().filename().string()))
      number = std::max(number, *taken + 1);
  for (;; ++number) {
    const std::string path = format("{}/{}", base, number);
    if (fs::create_directory(path, error)) {
      flush_folder(base);
      return path;
    }
    if (error)
      throw FileError(
          format("{}: the output folder cannot be written to: {}; set output.dir to one "
                 "that can",
                 base, error.message()));
  }
}

}  // namespace onecycle
