#include "dist/group/reduction.h"

#include "onecycle/error.h"

#include <torch/csrc/distributed/c10d/reducer.hpp>

namespace onecycle {

namespace {

constexpr std::int64_t kFirstBucketBytes = c10d::kDefaultFirstBucketBytes;
constexpr std::int64_t kBucketBytes = c10d::kDefaultBucketBytesCap;

// The mean over the ranks of a bucket rounded to bf16, back in the bucket's own type.
class Bf16Hook : public c10d::CppCommHookInterface<c10::intrusive_ptr<c10d::ProcessGroup>> {
 public:
  using CppCommHookInterface::CppCommHookInterface;

  c10::intrusive_ptr<c10::ivalue::Future> runHook(c10d::GradBucket& bucket) override {
    const at::Tensor whole = bucket.getBuffer();
    std::vector<at::Tensor> sent = {(whole / state_->getSize()).to(at::kBFloat16)};
    return state_->allreduce(sent)->getFuture()->then(
        [whole, sent](c10::ivalue::Future&) {
          whole.copy_(sent[0]);
          return c10::IValue(whole);
        },
        c10::TensorType::get());
  }
};

// In a group of one there is nothing to send.
class OwnHook : public c10d::CppCommHookInterface<c10::intrusive_ptr<c10d::ProcessGroup>> {
 public:
  using CppCommHookInterface::CppCommHookInterface;

  c10::intrusive_ptr<c10::ivalue::Future> runHook(c10d::GradBucket& bucket) override {
    auto done = c10::make_intrusive<c10::ivalue::Future>(c10::TensorType::get());
    done->markCompleted(c10::IValue(bucket.getBuffer()));
    return done;
  }
};

class BucketReduction : public GradientReduction {
 public:
  BucketReduction(std::vector<at::Tensor> weights, GradientFormat gradients,
                  const c10::intrusive_ptr<c10d::ProcessGroup>& processes) {
    const std::vector<bool> sparse(weights.size(), false);
    auto [buckets, limits] =
        c10d::compute_bucket_assignment_by_size(weights, {kFirstBucketBytes, kBucketBytes}, sparse);
    std::reverse(buckets.begin(), buckets.end());
    std::reverse(limits.begin(), limits.end());
    reducer_ = std::make_unique<c10d::Reducer>(
        std::move(weights), std::move(buckets), processes, sparse, kBucketBytes,
        /*find_unused_parameters=*/false, /*gradient_as_bucket_view=*/true,
        std::unordered_map<std::size_t, std::string>{}, kFirstBucketBytes,
        /*skip_all_reduce_unused_params=*/false, /*use_python_reducer=*/false,
        std::vector<std::int64_t>{kBucketBytes});
    if (processes->getSize() == 1 && gradients == GradientFormat::as_computed)
      reducer_->register_comm_hook(std::make_unique<OwnHook>(processes));
    if (gradients == GradientFormat::bf16)
      reducer_->register_comm_hook(std::make_unique<Bf16Hook>(processes));
  }

  // rebuild_buckets() throws where the step before left a bucket unreduced.
  void begin(bool last) override {
    if (!last) return;
    reducer_->prepare_for_forward();
    reducer_->rebuild_buckets();
    reducer_->prepare_for_backward({});
  }

  void finish() override {
    try {
      reducer_->check_finalized();
    } catch (const std::exception&) {
      throw DistError(
          "a weight that trains got no gradient, so that the ranks' gradients were not all "
          "averaged: freeze the weights that the model's forward pass does not use");
    }
  }

 private:
  std::unique_ptr<c10d::Reducer> reducer_;
};

}  // namespace

std::unique_ptr<GradientReduction> reducer_over(
    std::vector<at::Tensor> weights, GradientFormat gradients,
    const c10::intrusive_ptr<c10d::ProcessGroup>& processes) {
  return std::make_unique<BucketReduction>(std::move(weights), gradients, processes);
}

}  // namespace onecycle
