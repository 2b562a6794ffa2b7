#include "dist/rank_session.h"

#include "dist/group/process_group.h"
#include "dist/launch/address.h"

#include <exception>
#include <utility>

#include <torch/csrc/distributed/c10d/HashStore.hpp>

namespace onecycle {

namespace {

constexpr std::chrono::seconds kReasonPatience{5};  // for a word on why a collective failed

std::shared_ptr<Heartbeat> heartbeat_of(const RankPlace& place, const RankSessionOptions& session) {
  HeartbeatOptions options;
  if (session.on_lost) {
    options.say = [](const std::string&) {};
    options.end = session.on_lost;
  }
  return std::make_shared<Heartbeat>(place, std::move(options));
}

Group::Failure failure_of(Heartbeat& heartbeat, bool one_terminal) {
  const RankFailure failure = heartbeat.await_failure(kReasonPatience);
  if (failure.kind == RankFailure::Kind::out_of_memory) return {failure.text, true};
  return {one_terminal ? heartbeat.explain(kReasonPatience) : failure.text};
}

GroupPlan plan_of(const RankPlace& place, bool nccl, const std::shared_ptr<Heartbeat>& heartbeat,
                  bool one_terminal) {
  GroupPlan plan;
  plan.rank = place.rank;
  plan.size = place.size;
  plan.local_rank = place.local_rank;
  plan.local_size = place.local_size;
  if (place.port != 0) plan.address = local_address_towards(place.address, place.port);
  plan.nccl = nccl;
  if (!heartbeat) return plan;
  plan.give_up = [heartbeat](const Group::Failure& failure) {
    heartbeat->give_up(failure.why, failure.out_of_memory ? RankFailure::Kind::out_of_memory
                                                          : RankFailure::Kind::gave_up);
  };
  plan.explain = [heartbeat, one_terminal] { return failure_of(*heartbeat, one_terminal); };
  plan.at_step = [heartbeat](std::int64_t step) { heartbeat->at(step); };
  return plan;
}

}  // namespace

RankSession::RankSession(RankPlace place, const RankSessionOptions& options)
    : place_(std::move(place)),
      one_terminal_(options.one_terminal),
      errors_(std::uncaught_exceptions()) {
  if (place_.port == 0) {
    store_ = c10::make_intrusive<c10d::HashStore>();
  } else {
    store_ = open_store(place_, kJoinTimeout);
    heartbeat_ = heartbeat_of(place_, options);
  }
}

RankSession::~RankSession() {
  group_.reset();
  if (heartbeat_ && std::uncaught_exceptions() == errors_) heartbeat_->finish();
}

const std::shared_ptr<Group>& RankSession::join(bool nccl) {
  group_ = make_group(store_, plan_of(place_, nccl, heartbeat_, one_terminal_));
  return group_;
}

void RankSession::announce_folder(const std::string& folder) {
  if (heartbeat_ && place_.rank == 0) heartbeat_->announce_folder(folder);
}

}  // namespace onecycle
