#include "onecycle/distributed.h"

#include "dist/rank_session.h"

namespace onecycle {

std::shared_ptr<Group> distributed(const DistributedOptions& options) {
  const auto place = place_in_environment();
  if (!place) return alone();
  const auto session =
      std::make_shared<RankSession>(*place, RankSessionOptions{.on_lost = options.on_lost});
  Group* group = session->join(finds_gpu(options.device, place->local_rank)).get();
  return {session, group};
}

}  // namespace onecycle
