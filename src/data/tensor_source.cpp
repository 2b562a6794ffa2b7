#include "onecycle/error.h"
#include "onecycle/loader.h"
#include "onecycle/source.h"

#include "core/text/format.h"
#include "data/images/sampler.h"
#include "data/tensors.h"

#include <map>
#include <optional>
#include <utility>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

class TensorSource : public Source {
 public:
  TensorSource(const at::Tensor& inputs, const at::Tensor& targets, std::uint64_t seed,
               std::optional<c10::ScalarType> least_dtype)
      : inputs_(inputs), targets_(targets), seed_(seed), least_dtype_(least_dtype) {
    set_format({});
  }

  std::int64_t size() const override { return inputs_.size(0); }

  void set_format(const InputFormat& wanted) override {
    const bool in_numbers = inputs_.is_floating_point();
    const c10::ScalarType dtype =
        c10::promoteTypes(wanted.dtype, least_dtype_.value_or(wanted.dtype));
    given_ = inputs_.to(wanted.device, in_numbers ? dtype : inputs_.scalar_type());
    if (given_.dim() == 4) given_ = given_.contiguous(wanted.memory_format);
    const c10::ScalarType exact = dtype == at::kDouble ? at::kDouble : at::kFloat;
    given_targets_ =
        targets_.to(wanted.device, targets_.is_floating_point() ? exact : targets_.scalar_type());
    order_ = order_.defined() ? order_.to(wanted.device) : order_;
    places_.clear();
    first_ = at::zeros({1}, given_targets_.options().dtype(at::kLong));
  }

  void seek(std::int64_t epoch, std::int64_t first) override {
    if (epoch_ != epoch) {
      at::Tensor order = tensor_of(epoch_order(seed_, epoch, size(), chosen_), {size()});
      if (order_.defined())
        order_.copy_(order);  // where a recorded graph reads it
      else
        order_ = order.to(first_.device());
      epoch_ = epoch;
    }
    first_.fill_(first);
  }

  void choose(const ChosenRows& chosen) override {
    check_rows(chosen, size());
    chosen_ = chosen;
    epoch_.reset();
  }

  // The same on every device: what is asked for may be recorded.
  Batch rows(std::int64_t offset, std::int64_t count) override {
    at::Tensor& places = places_[{offset, count}];
    if (!places.defined()) places = at::arange(offset, offset + count, first_.options());
    return at_rows(order_.index_select(0, places + first_), count);
  }

  Batch in_order(std::int64_t first, std::int64_t valid, std::int64_t count) override {
    const at::Tensor rows = at::arange(count, first_.options()).clamp_max(valid - 1) + first;
    Batch batch = at_rows(rows, valid);
    if (batch.targets.scalar_type() == at::kLong && batch.targets.dim() == 1)
      batch.targets.narrow(0, valid, count - valid).fill_(kIgnoredLabel);
    return batch;
  }

  Batch chosen(const at::Tensor& samples) override { return at_rows(samples, samples.size(0)); }

 private:
  Batch at_rows(const at::Tensor& rows, std::int64_t valid) const {
    return {given_.index_select(0, rows), given_targets_.index_select(0, rows), {}, valid};
  }

  at::Tensor inputs_, targets_;
  at::Tensor given_, given_targets_;  // in the format
  std::uint64_t seed_;
  std::optional<c10::ScalarType> least_dtype_;
  std::optional<std::int64_t> epoch_;
  ChosenRows chosen_;
  at::Tensor order_;  // of that epoch, on the device
  at::Tensor first_;  // [1]
  // Of the batches of a step, in its order: [count] from `offset`, by both.
  std::map<std::pair<std::int64_t, std::int64_t>, at::Tensor> places_;
};

}  // namespace

std::shared_ptr<Source> tensor_source(const at::Tensor& inputs, const at::Tensor& targets,
                                      std::uint64_t seed,
                                      std::optional<c10::ScalarType> least_dtype) {
  if (inputs.dim() < 1 || targets.dim() < 1 || inputs.size(0) != targets.size(0) ||
      inputs.size(0) == 0)
    throw DataError("inputs and targets must have the same number of rows, at least one");
  return std::make_shared<TensorSource>(inputs, targets, seed, least_dtype);
}

}  // namespace onecycle
