#pragma once

#include "onecycle/checkpoint.h"
#include "onecycle/group.h"

#include <functional>
#include <optional>

namespace onecycle {

// The checkpoints of ranks that train together: rank 0 keeps them, the others see what comes of it.
class SharedCheckpoints : public CheckpointStore {
 public:
  // `own`: rank 0's; not looked at elsewhere. Both must outlive this.
  SharedCheckpoints(Group& group, CheckpointStore* own) : group_(group), own_(own) {}

  std::string save(const Snapshot& snapshot, std::int64_t step, bool best) override;
  std::optional<Snapshot> load_latest(std::vector<std::string>& warnings) override;

 private:
  Group& group_;
  CheckpointStore* own_;
};

// Rank 0's text, everywhere; what it throws as an Error is thrown everywhere. Collective.
std::string from_leader(Group& group, const std::function<std::string()>& make);
// The same for a snapshot.
std::optional<Snapshot> snapshot_from_leader(Group& group,
                                             const std::function<std::optional<Snapshot>()>& make);

}  // namespace onecycle
