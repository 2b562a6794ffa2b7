#include "study/search/study_queue.h"

#include "onecycle/error.h"

#include "core/files/file_error.h"
#include "core/files/files.h"
#include "core/text/format.h"
#include "core/text/number.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <thread>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

constexpr const char* kLock = ".lock";
constexpr auto kStudyPollEvery = std::chrono::milliseconds(50);

std::string workers_path(const std::string& study_folder) { return study_folder + "/workers"; }

}  // namespace

std::string worker_path(const std::string& study_folder, std::int64_t worker, const char* suffix) {
  return format("{}/{}{}", workers_path(study_folder), worker, suffix);
}

WorkerLock::WorkerLock(const std::string& study_folder, std::int64_t worker) {
  const std::string path = worker_path(study_folder, worker, kLock);
  lock_ = FileLock(path, O_WRONLY | O_CREAT);
  if (!lock_.file()) fail_on_file(path, "cannot be written");
  if (!lock_.held()) throw Error(format("{}: cannot be locked: {}", path, std::strerror(errno)));
}

bool WorkerLock::is_held(const std::string& study_folder, std::int64_t worker) {
  const FileLock lock(worker_path(study_folder, worker, kLock), O_WRONLY);
  return lock.file() && !lock.held();
}

std::int64_t WorkerLock::unused(const std::string& study_folder) {
  make_folders(workers_path(study_folder));
  std::error_code error;
  std::int64_t highest = 0;
  for (const auto& entry : fs::directory_iterator(workers_path(study_folder), error))
    if (const auto number = parse_integer(entry.path().stem().string()))
      highest = std::max(highest, *number);
  return highest + 1;
}

std::optional<Trial> StudyQueue::take() {
  while (!stopped_()) {
    if (auto trial = study_.take(worker_)) return trial;
    if (study_.over()) return std::nullopt;
    std::this_thread::sleep_for(kStudyPollEvery);
  }
  return std::nullopt;
}

void StudyQueue::finish(const Trial& trial, const TrialResult& result) {
  study_.finish(worker_, trial, result);
}

}  // namespace onecycle
