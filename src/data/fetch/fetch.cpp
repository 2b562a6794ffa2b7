#include "onecycle/fetch.h"

#include "onecycle/error.h"

#include "core/files/paths.h"
#include "core/process/file_lock.h"
#include "core/text/format.h"
#include "data/fetch/transfer.h"
#include "data/fetch/verify.h"
#include "data/files.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <thread>
#include <unistd.h>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

using Result = Transfer::Result;

// Held while a part is written: two programs would mix their bytes.
FileLock lock_part(const std::string& part) {
  FileLock lock(part, O_RDWR | O_CREAT);
  if (!lock.file())
    throw DataError(format("{}: cannot be written: {}", part, std::strerror(errno)));
  if (!lock.held())
    throw DataError(format("{}: another program is fetching it; wait for it to end", part));
  return lock;
}

bool is_whole(const std::string& path, const Download& download) {
  if (!download.sha256.empty()) return file_digest(path, "sha256").starts_with(download.sha256);
  return file_digest(path, "md5") == download.md5;
}

void put_in_place(const std::string& part, const std::string& path) {
  if (::renameat2(AT_FDCWD, part.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return;
  // Not every file system knows how to leave an existing file alone.
  const bool unknown = errno == EINVAL && !fs::exists(path);
  if (unknown && ::rename(part.c_str(), path.c_str()) == 0) return;
  throw DataError(format("{}: cannot be moved into place: {}; the whole file is {}", path,
                         std::strerror(errno), part));
}

class Fetching {
 public:
  Fetching(const Download& download, const FetchOptions& options, const FetchWatch& watch)
      : download_(download),
        options_(options),
        watch_(watch),
        most_(download.bytes.value_or(options.largest)),
        part_((fs::path(options.folder) / (download.file + ".part")).string()),
        lock_(lock_part(part_)) {}

  const std::string& part() const { return part_; }

  // The part is whole; otherwise throws.
  void run() {
    check_room();
    std::string reasons;
    for (const std::string& url : download_.urls) {
      const std::string why = from(url);
      if (why.empty()) return (void)lock_.file().flush_to_disk();
      reasons += format("{}{}: {}", reasons.empty() ? "" : "; ", url, why);
      if (watch_.say) watch_.say(format("{}: {}", url, why));
    }
    forget_empty_part();
    throw DataError(
        format("{} could not be downloaded ({}). By hand: put that file into {}, from any of these "
               "addresses, or run the command again: it continues from what has arrived",
               download_.file, reasons, options_.folder));
  }

 private:
  // "" once the part is whole, else why this address has not given it.
  std::string from(const std::string& url) {
    double wait = options_.first_wait;
    bool emptied = false;
    for (int attempt = 1;; ++attempt) {
      const Transfer got = transfer(url, download_.file, part_, most_, options_, watch_);
      if (got.result == Result::stopped)
        throw FetchStopped(format("stopped; {} keeps what has arrived", part_));
      if (got.result == Result::done || got.result == Result::overshot) {
        if (is_whole(part_, download_)) return "";
        empty_part();
        // What came before was of another file, or the server knows no ranges.
        if (emptied || got.result == Result::done) return "its checksum is not the published one";
        emptied = true;
        continue;
      }
      if (got.result == Result::no_room) refuse_for_room();
      if (got.result == Result::too_large) return too_large();
      if (got.result == Result::lasting || attempt >= options_.attempts) return got.why;
      if (watch_.say)
        watch_.say(format("{}: {}; trying again in {:.0f} s", download_.file, got.why, wait));
      pause(wait);
      wait *= 2;
    }
  }

  // Where the descriptor states a size. A part that is larger is of no such file.
  void check_room() const {
    if (!download_.bytes) return;
    std::error_code unknown;
    const auto there = static_cast<std::int64_t>(fs::file_size(part_));
    if (there > most_) return empty_part();
    const auto room = fs::space(options_.folder, unknown);
    if (!unknown && static_cast<std::uint64_t>(most_ - there) > room.available) refuse_for_room();
  }

  [[noreturn]] void refuse_for_room() const {
    forget_empty_part();
    throw DataError(
        format("{}: the disk of {} has no room for it{}; free some, or name another folder",
               download_.file, options_.folder,
               download_.bytes ? format(" ({} bytes)", *download_.bytes) : ""));
  }

  // What has come of a file whose size was not stated is kept for when it is.
  std::string too_large() const {
    if (!download_.bytes)
      return format(
          "sends more than {} bytes, the limit if the descriptor states no size: add `bytes` to "
          "its download",
          most_);
    empty_part();
    return format("sends more than the {} bytes that the file has", most_);
  }

  void empty_part() const {
    if (::ftruncate(lock_.file().get(), 0) != 0)
      throw DataError("a partial file cannot be emptied");
  }

  void forget_empty_part() const {
    std::error_code ignored;
    if (fs::file_size(part_, ignored) == 0) fs::remove(part_, ignored);
  }

  void pause(double seconds) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (std::chrono::steady_clock::now() < end) {
      if (watch_.stop && watch_.stop())
        throw FetchStopped(format("stopped; {} keeps what has arrived", part_));
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  const Download& download_;
  const FetchOptions& options_;
  const FetchWatch& watch_;
  std::int64_t most_;
  std::string part_;
  FileLock lock_;
};

}  // namespace

std::string fetch_folder(const std::string& name, const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    const auto expanded = expand_path(folder);
    if (expanded && fs::path(*expanded).is_absolute()) return *expanded;
  }
  throw DataError(format("{}: none of its folders can be written to; name one with --dir", name));
}

FetchedFile fetch_file(const Download& download, const FetchOptions& options,
                       const FetchWatch& watch) {
  const std::string path = (fs::path(options.folder) / download.file).string();
  if (fs::exists(path)) {
    if (is_whole(path, download)) return {path, true};
    throw DataError(
        format("{}: is there, but is not the published file by its checksum; move it away, then "
               "fetch again",
               path));
  }
  std::error_code failed;
  fs::create_directories(options.folder, failed);
  if (failed)
    throw DataError(
        format("{}: cannot be created: {}; name another folder", options.folder, failed.message()));
  Fetching fetching(download, options, watch);
  fetching.run();
  put_in_place(fetching.part(), path);
  return {path, false};
}

}  // namespace onecycle
