// Tensors as a source.

#include "onecycle/source.h"

#include "onecycle/error.h"
#include "onecycle/loader.h"

#include <gtest/gtest.h>

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

TEST(TensorSource, PaddedRowsAreNoSamples) {
  const auto source = first_of(tensor_source(numbered(50), at::arange(50)), 45);
  EXPECT_EQ(source->size(), 45);
  const Batch batch = source->in_order(40, 5, 8);
  EXPECT_EQ(batch.valid, 5);
  EXPECT_TRUE(batch.targets.narrow(0, 0, 5).equal(at::arange(40, 45)));
  EXPECT_TRUE(batch.targets.narrow(0, 5, 3).eq(kIgnoredLabel).all().item<bool>());
  EXPECT_EQ(batch.inputs.size(0), 8);
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
