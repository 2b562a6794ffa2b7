#pragma once

#include "onecycle/datasets.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace onecycle {

// How patient a transfer is.
struct FetchOptions {
  std::string folder;                    // where the files go; made where it is not there
  int attempts = 4;                      // of one address, while its failures may pass
  double first_wait = 1;                 // seconds before the second attempt; doubled each time
  std::int64_t least_rate = 1000;        // bytes a second: an attempt that is slower for...
  double slow_seconds = 30;              // ...so long has failed
  std::int64_t largest = 8'000'000'000;  // bytes of a file whose size the descriptor does not state
};

// What a transfer tells its caller, from the thread that called; any may be empty.
struct FetchWatch {
  // A few times a second. `total` is 0 where it is not known.
  std::function<void(const std::string& file, std::int64_t done, std::int64_t total,
                     double bytes_per_second)>
      progress;
  std::function<void(const std::string& line)> say;
  std::function<bool()> stop;  // asked often; true ends the transfer, what has come is kept
};

// Where a file is, and whether it was there before.
struct FetchedFile {
  std::string path;
  bool was_there = false;
};

// Thrown where `stop` said so.
class FetchStopped : public Error {
 public:
  using Error::Error;
};

// Where `onecycle data fetch` and `onecycle weights fetch` put what is called `name` by themselves:
// the first of its folders that is absolute. Throws DataError where none is.
std::string fetch_folder(const std::string& name, const std::vector<std::string>& folders);

// Gets a file from the first of its addresses that gives it, whole and with its checksum: until
// then it is called NAME.part, which a later call goes on from. A file that is there is never
// replaced. Throws DataError with what to do by hand; before anything comes where the disk has no
// room for it.
FetchedFile fetch_file(const Download& download, const FetchOptions& options,
                       const FetchWatch& watch);

}  // namespace onecycle
