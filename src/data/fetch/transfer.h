#pragma once

#include "onecycle/fetch.h"

#include <string>

namespace onecycle {

struct Transfer {
  enum class Result {
    done,
    passing,    // another attempt may go better
    lasting,    // this address does not give the file
    overshot,   // the server has nothing after the part: it is whole, or not of this file
    too_large,  // more than `most`
    no_room,    // on the disk, for what the server announces
    stopped,
  };
  Result result = Result::lasting;
  std::string why;
};

// One attempt to get the rest of `part`, a file that may be empty and becomes `most` bytes at most,
// over http or https.
Transfer transfer(const std::string& url, const std::string& file, const std::string& part,
                  std::int64_t most, const FetchOptions& options, const FetchWatch& watch);

}  // namespace onecycle
