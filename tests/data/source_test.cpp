// Tensors as a source.

#include "onecycle/source.h"

#include "onecycle/error.h"
#include "onecycle/loader.h"

#include <gtest/gtest.h>
#include <memory>
#include <utility>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

at::Tensor numbered(std::int64_t count) { return at::arange(count, at::kFloat).view({count, 1}); }

TEST(TensorSource, AnEpochIsItsOrderInWhateverParts) {
  const auto source = tensor_source(numbered(50), at::arange(50), 9);
  source->seek(3, 20);
  const Batch first = source->rows(0, 7);
  const Batch second = source->rows(7, 5);
  const std::vector<std::int64_t> order = epoch_order(9, 3, 50);
  for (std::int64_t i = 0; i < 12; ++i) {
    const Batch& batch = i < 7 ? first : second;
    const std::int64_t row = i < 7 ? i : i - 7;
    EXPECT_EQ(batch.targets[row].item<std::int64_t>(), order[static_cast<std::size_t>(20 + i)]);
    EXPECT_EQ(batch.inputs[row].item<float>(), batch.targets[row].item<float>());
  }
}

// Three steps of batches of 4 among 10 samples, two an epoch.
TEST(TensorSource, ChosenRowsAreItsOrder) {
  const auto source = tensor_source(numbered(10), at::arange(10), 9);
  source->seek(0, 0);
  const at::Tensor positions = at::tensor({0, 3, 1, 2, 2, 3}, at::kInt).view({3, 2});
  source->choose({positions, 4, 2});
  const std::vector<std::int64_t> first = epoch_order(9, 0, 10);
  const std::vector<std::int64_t> second = epoch_order(9, 1, 10);
  source->seek(0, 0);
  EXPECT_TRUE(
      source->rows(0, 4).targets.equal(at::tensor({first[0], first[3], first[5], first[6]})));
  source->seek(0, 2);
  EXPECT_TRUE(source->rows(1, 1).targets.equal(at::tensor({first[6]})));
  source->seek(1, 0);
  EXPECT_TRUE(source->rows(0, 2).targets.equal(at::tensor({second[2], second[3]})));
}

TEST(TensorSource, RowsOfOtherSamplesAreRefused) {
  const auto source = tensor_source(numbered(10), at::arange(10));
  const at::Tensor rows = at::zeros({3, 2}, at::kInt);
  EXPECT_NO_THROW(source->choose({rows, 4, 2}));
  EXPECT_THROW(source->choose({rows, 4, 3}), DataError) << "12 samples an epoch";
  EXPECT_THROW(source->choose({rows, 1, 2}), DataError) << "2 of a batch of 1";
  EXPECT_THROW(source->choose({rows + 4, 4, 2}), DataError);
  EXPECT_THROW(source->choose({rows - 1, 4, 2}), DataError);
  EXPECT_THROW(source->choose({rows.to(at::kLong), 4, 2}), DataError);
  EXPECT_THROW(source->choose({{}, 4, 2}), DataError);
  EXPECT_THROW(epochs_from(source, 1)->choose({rows, 4, 2}), Error);
}

TEST(TensorSource, PaddedRowsAreNoSamples) {
  const auto source = first_of(tensor_source(numbered(50), at::arange(50)), 45);
  EXPECT_EQ(source->size(), 45);
  const Batch batch = source->in_order(40, 5, 8);
  EXPECT_EQ(batch.valid, 5);
  EXPECT_TRUE(batch.targets.narrow(0, 0, 5).equal(at::arange(40, 45)));
  EXPECT_TRUE(batch.targets.narrow(0, 5, 3).eq(kIgnoredLabel).all().item<bool>());
  EXPECT_EQ(batch.inputs.size(0), 8);
}

// A source that says nothing of it gives chosen samples one by one.
class OnlyInOrder : public Source {
 public:
  explicit OnlyInOrder(std::shared_ptr<Source> source) : source_(std::move(source)) {}
  std::int64_t size() const override { return source_->size(); }
  void set_format(const InputFormat& wanted) override { source_->set_format(wanted); }
  void seek(std::int64_t epoch, std::int64_t first) override { source_->seek(epoch, first); }
  Batch rows(std::int64_t offset, std::int64_t count) override {
    return source_->rows(offset, count);
  }
  Batch in_order(std::int64_t first, std::int64_t valid, std::int64_t count) override {
    return source_->in_order(first, valid, count);
  }

 private:
  std::shared_ptr<Source> source_;
};

TEST(Source, ChosenSamplesAreThoseOfThatNumber) {
  const at::Tensor numbers = at::tensor(std::vector<std::int64_t>{41, 3, 3, 0, 49});
  const auto expect_chosen = [&](Source& source) {
    const Batch batch = source.chosen(numbers);
    EXPECT_EQ(batch.valid, 5);
    EXPECT_TRUE(batch.targets.equal(numbers));
    EXPECT_TRUE(batch.inputs.flatten(1).select(1, 0).to(at::kLong).equal(numbers));
  };
  const auto tensors = tensor_source(numbered(50), at::arange(50));
  OnlyInOrder plain(tensors);
  expect_chosen(*tensors);
  expect_chosen(plain);
  expect_chosen(*first_of(tensor_source(numbered(60), at::arange(60)), 50));
  expect_chosen(*epochs_from(tensors, 3));
  const at::Tensor images =
      at::arange(50, at::kFloat).view({50, 1, 1, 1}).expand({50, 1, 4, 4}).contiguous();
  LoaderOptions options;
  options.mean = {0};
  options.std = {1};
  options.augment.flip = true;  // of training batches only
  Loader loader({images, at::arange(50)}, options);
  expect_chosen(loader);
}

TEST(TensorSource, GivesInputsInTheFormatThatIsAskedFor) {
  const auto source = tensor_source(at::ones({6, 2, 4, 4}), at::arange(6));
  source->set_format({at::kCPU, at::kBFloat16, at::MemoryFormat::ChannelsLast});
  source->seek(0, 0);
  const Batch batch = source->rows(0, 6);
  EXPECT_EQ(batch.inputs.scalar_type(), at::kBFloat16);
  EXPECT_EQ(batch.targets.scalar_type(), at::kLong);
}

TEST(TensorSource, TargetsThatAreNumbersAreNeverRounded) {
  const auto source = tensor_source(numbered(6), at::arange(6, at::kDouble).view({6, 1}));
  const auto type_in = [&](at::ScalarType dtype) {
    source->set_format({at::kCPU, dtype});
    return source->in_order(0, 6, 6).targets.scalar_type();
  };
  EXPECT_EQ(type_in(at::kBFloat16), at::kFloat);
  EXPECT_EQ(type_in(at::kFloat), at::kFloat);
  EXPECT_EQ(type_in(at::kDouble), at::kDouble);
}

TEST(TensorSource, InputsComeInTheDtypeThatTheModelNeedsAtLeast) {
  const auto source = tensor_source(numbered(6), at::arange(6), 0, at::kFloat);
  const auto type_in = [&](at::ScalarType dtype) {
    source->set_format({at::kCPU, dtype});
    return source->in_order(0, 6, 6).inputs.scalar_type();
  };
  EXPECT_EQ(type_in(at::kBFloat16), at::kFloat);
  EXPECT_EQ(type_in(at::kDouble), at::kDouble);
}

TEST(TensorSource, NeedsAsManyTargetsAsInputs) {
  EXPECT_THROW(tensor_source(numbered(5), at::arange(6)), DataError);
  EXPECT_THROW(tensor_source(numbered(0), at::arange(0)), DataError);
}

}  // namespace
}  // namespace onecycle
