#pragma once

#include "dist/group/store.h"
#include "dist/heartbeat/heartbeat.h"
#include "dist/launch/place.h"

#include <functional>
#include <memory>
#include <string>

namespace onecycle {

class Group;

struct RankSessionOptions {
  // The ranks share a terminal: Group::failure() gives a reason to the rank that is to print it,
  // and to others an empty one.
  bool one_terminal = false;
  // What is done where another rank was lost and this one goes on; by default HeartbeatOptions'
  // own.
  std::function<void(const std::string& why)> on_lost = {};
};

// A rank's part in its group, from the store to the orderly end.
class RankSession {
 public:
  // Opens the store and, but in a group of one, starts the heartbeat. Throws DistError, UsageError.
  explicit RankSession(RankPlace place, const RankSessionOptions& options = {});
  // After an orderly end nobody misses this rank; during an error the others are left to notice.
  ~RankSession();
  RankSession(const RankSession&) = delete;
  RankSession& operator=(const RankSession&) = delete;

  // Waits for the other ranks. `nccl`: for tensors on a GPU. Throws DistError.
  const std::shared_ptr<Group>& join(bool nccl);
  // Where a launcher that starts all ranks again lets them go on; rank 0's is the one that counts.
  void announce_folder(const std::string& folder);

 private:
  RankPlace place_;
  bool one_terminal_;
  Store store_;
  std::shared_ptr<Heartbeat> heartbeat_;  // nothing where it is alone
  std::shared_ptr<Group> group_;
  int errors_;
};

}  // namespace onecycle
