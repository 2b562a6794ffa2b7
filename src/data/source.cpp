#include "onecycle/source.h"

#include "onecycle/error.h"

#include <utility>
#include <vector>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

class FirstOf : public Source {
 public:
  FirstOf(std::shared_ptr<Source> source, std::int64_t count)
      : source_(std::move(source)), count_(count) {}

  std::int64_t size() const override { return count_; }
  void set_format(const InputFormat& wanted) override { source_->set_format(wanted); }
  void seek(std::int64_t, std::int64_t) override {
    throw Error("a part of a source is for evaluation only");
  }
  Batch rows(std::int64_t, std::int64_t) override {
    throw Error("a part of a source is for evaluation only");
  }
  Batch in_order(std::int64_t first, std::int64_t valid, std::int64_t count) override {
    return source_->in_order(first, valid, count);
  }
  Batch chosen(const at::Tensor& samples) override { return source_->chosen(samples); }

 private:
  std::shared_ptr<Source> source_;
  std::int64_t count_;
};

class EpochsFrom : public Source {
 public:
  EpochsFrom(std::shared_ptr<Source> source, std::int64_t first)
      : source_(std::move(source)), first_(first) {}

  std::int64_t size() const override { return source_->size(); }
  void set_format(const InputFormat& wanted) override { source_->set_format(wanted); }
  void seek(std::int64_t epoch, std::int64_t first) override {
    source_->seek(first_ + epoch, first);
  }
  Batch rows(std::int64_t offset, std::int64_t count) override {
    return source_->rows(offset, count);
  }
  Batch in_order(std::int64_t first, std::int64_t valid, std::int64_t count) override {
    return source_->in_order(first, valid, count);
  }
  Batch chosen(const at::Tensor& samples) override { return source_->chosen(samples); }

 private:
  std::shared_ptr<Source> source_;
  std::int64_t first_;
};

}  // namespace

void Source::choose(const ChosenRows&) {
  throw Error("this source of samples cannot give chosen ones alone; override Source::choose()");
}

Batch Source::chosen(const at::Tensor& samples) {
  const at::Tensor numbers = samples.cpu().contiguous();
  const auto* number = numbers.const_data_ptr<std::int64_t>();
  std::vector<at::Tensor> inputs, targets;
  for (std::int64_t i = 0; i < numbers.numel(); ++i) {
    Batch one = in_order(number[i], 1, 1);
    inputs.push_back(std::move(one.inputs));
    targets.push_back(std::move(one.targets));
  }
  return {at::cat(inputs), at::cat(targets), {}, numbers.numel()};
}

std::shared_ptr<Source> first_of(std::shared_ptr<Source> source, std::int64_t count) {
  if (source == nullptr || count >= source->size()) return source;
  return std::make_shared<FirstOf>(std::move(source), count);
}

std::shared_ptr<Source> epochs_from(std::shared_ptr<Source> source, std::int64_t first) {
  if (source == nullptr || first == 0) return source;
  return std::make_shared<EpochsFrom>(std::move(source), first);
}

}  // namespace onecycle
