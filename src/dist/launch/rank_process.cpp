#include "dist/launch/rank_process.h"

#include "onecycle/error.h"

#include "core/text/format.h"

#include <cstring>
#include <fcntl.h>

namespace onecycle {

RankProcess::RankProcess(std::int64_t rank, const std::vector<std::string>& arguments,
                         const std::vector<std::string>& environment)
    : ChildProcess({.arguments = arguments, .environment = environment, .own_streams = rank == 0}),
      rank_(rank),
      lines_(format("[rank {}] ", rank), std::move(output())) {
  if (failure() != 0)
    throw Error(format("rank {} cannot be started: {}", rank, std::strerror(failure())));
  if (rank != 0) ::fcntl(lines_.descriptor(), F_SETFL, O_NONBLOCK);
}

}  // namespace onecycle
