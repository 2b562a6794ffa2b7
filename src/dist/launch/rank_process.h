#pragma once

#include "core/process/child_process.h"
#include "dist/launch/rank_output.h"

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

// This program as one rank. Only rank 0 has the launcher's own stdin, stdout and stderr.
class RankProcess : public ChildProcess {
 public:
  // `arguments` without the program's name, `environment` NAME=value, all of it. Throws Error.
  RankProcess(std::int64_t rank, const std::vector<std::string>& arguments,
              const std::vector<std::string>& environment);

  std::int64_t rank() const { return rank_; }
  RankOutput& lines() { return lines_; }

 private:
  std::int64_t rank_;
  RankOutput lines_;
};

}  // namespace onecycle
