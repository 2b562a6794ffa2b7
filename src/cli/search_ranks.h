#pragma once

#include "cli/command.h"
#include "cli/ranks.h"
#include "dist/group/rpc.h"
#include "study/search/search_driver.h"

#include <set>

namespace onecycle {

// The other ranks as workers of a study whose database rank 0 has: it hands trials out through the
// store, and those of a rank that is lost again.
class RankWorkers : public RemoteWorkers {
 public:
  RankWorkers(const RankPlace& place, const Console& console);

  void serve(Study& study, bool stopping) override;
  bool busy() const override { return !at_work_.empty(); }

 private:
  Console console_;
  Store store_;
  RpcServer answers_;
  std::set<std::int64_t> at_work_;  // ranks that were not told that it is over
};

// Rank 1 and on: works at rank 0's study until it is over. Returns the exit code.
int work_for_rank_0(const RankPlace& place);

}  // namespace onecycle
