// The mlp on rows of a table; its arithmetic against torch.nn is in pytorch_test.cpp.

#include "onecycle/error.h"

#include "models/support.h"
#include "network/input_format.h"
#include "nn/layers/embeddings.h"

#include <cmath>
#include <cstdint>
#include <gtest/gtest.h>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

ModelContext table_context() {
  ModelContext context{5, 1, 1, 2, 7};
  context.sample_shape = {5};
  context.categories = {6, 3};
  return context;
}

// By Python's min(600, round(1.6 * n**0.56)).
TEST(Embeddings, WidthsOfFastai) {
  for (const auto& [categories, width] :
       {std::pair{2, 2}, {6, 4}, {9, 5}, {100, 21}, {1000, 77}, {100000, 600}})
    EXPECT_EQ(embedding_width(categories), width) << categories;
}

TEST(MlpOnTables, WhatIsNoCategoryCountsAsUnknown) {
  const at::NoGradGuard no_grad;
  const auto model = make_model("mlp", table_context());
  const at::Tensor unknown = model->forward(at::tensor({1.F, 2.F, 3.F, 0.F, 1.F}).view({1, 5}));
  const at::Tensor known = model->forward(at::tensor({1.F, 2.F, 3.F, 5.F, 1.F}).view({1, 5}));
  EXPECT_FALSE(known.equal(unknown));
  for (const float wrong :
       {6.F, -1.F, 1e30F, -1e30F, std::nanf(""), std::numeric_limits<float>::infinity()})
    EXPECT_TRUE(model->forward(at::tensor({1.F, 2.F, 3.F, wrong, 1.F}).view({1, 5})).equal(unknown))
        << wrong;
}

TEST(MlpOnTables, GradientsReachTheRowsThatWereLookedUp) {
  const auto model = make_model("mlp", table_context());
  model->forward(at::tensor({1.F, 2.F, 3.F, 4.F, 2.F}).view({1, 5})).sum().backward();
  const auto weights = model->named_parameters();
  for (const auto& [name, row] :
       {std::pair{"embeddings.0.weight", 4}, {"embeddings.1.weight", 2}}) {
    const at::Tensor touched = weights[name].grad().abs().sum(1) > 0;
    EXPECT_TRUE(touched[row].item<bool>()) << name;
    EXPECT_EQ(touched.sum().item<std::int64_t>(), 1) << name;
  }
}

TEST(MlpOnTables, InitialEmbeddingsDependOnNameShapeAndSeed) {
  ModelContext context = table_context();
  context.categories = {6, 5000};
  const auto table = [&](const std::string& options) {
    return make_model("mlp", context, options)->named_parameters()["embeddings.1.weight"].detach();
  };
  const at::Tensor first = table("{embedding: 8}");
  EXPECT_NEAR(first.std().item<double>(), 0.01, 0.0002);
  EXPECT_TRUE(table("{embedding: 8, hidden: [3], block: residual, norm: batch}").equal(first));
  context.seed = 8;
  EXPECT_FALSE(table("{embedding: 8}").equal(first));
}

TEST(MlpOnTables, CategoriesStayExactInNarrowNumbers) {
  Compute compute;
  compute.dtype = at::kBFloat16;
  const auto table = make_model("mlp", table_context());
  EXPECT_EQ(input_format(*table, compute).dtype, at::kFloat);
  ModelContext numbers = table_context();
  numbers.categories = {};
  EXPECT_EQ(input_format(*make_model("mlp", numbers), compute).dtype, at::kBFloat16);
  compute.dtype = at::kDouble;
  EXPECT_EQ(input_format(*table, compute).dtype, at::kDouble);
}

TEST(MlpOnTables, SummariesTakeTheSampleAsItIs) {
  ModelContext context{12, 1, 1, 2, 7};
  context.sample_shape = {3, 4};
  EXPECT_EQ(sample_sizes(context), (std::vector<std::int64_t>{3, 4}));
  EXPECT_EQ(summarise(*make_model("mlp", context, "hidden: [5]"), context).macs, 12 * 5 + 5 * 2);
  EXPECT_EQ(sample_sizes({3, 8, 9, 2, 1}), (std::vector<std::int64_t>{3, 8, 9}));
  const std::int64_t embedded = 3 + 4 + 3;  // of 6 and 3 categories: 4 and 3 numbers
  EXPECT_EQ(summarise(*make_model("mlp", table_context(), "hidden: [5]"), table_context()).macs,
            embedded * 5 + 5 * 2);
}

TEST(MlpOnTables, NetworksOfPicturesRefuseThem) {
  for (const char* name : {"resnet8", "resnet18", "resnet9", "cnn3", "cifar_fast"}) try {
      (void)make_model(name, table_context());
      ADD_FAILURE() << name;
    } catch (const FieldError& error) {
      EXPECT_EQ(std::string(error.what()),
                std::string("model.name: ") + name +
                    " takes pictures, not samples of 5 numbers; use mlp");
    }
}

}  // namespace
}  // namespace onecycle
