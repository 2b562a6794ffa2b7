// Smith's 3-layer network by hand: sizes, Caffe's pooling at the edges, initial weights.

#include "onecycle/error.h"

#include "models/support.h"

#include <cmath>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

TEST(Cnn3, SizesByHand) {
  const ModelContext context{3, 32, 32, 10, 1};
  const ModelSummary summary = summarise(*make_model("cnn3", context), context);
  EXPECT_EQ(summary.parameters, 89578);
  EXPECT_EQ(summary.parameters, 75 * 32 + 32 + 800 * 32 + 32 + 800 * 64 + 64 + 1024 * 10 + 10);
  EXPECT_EQ(summary.trainable, summary.parameters);
  EXPECT_EQ(summary.macs, 75 * 32 * 1024 + 800 * 32 * 256 + 800 * 64 * 64 + 1024 * 10);
}

// Caffe's PoolingLayer, AVE, kernel 3, stride 2, pad 0, at pixel (row, column) of its output.
double caffe_average(const at::Tensor& image, std::int64_t row, std::int64_t column) {
  const std::int64_t top = row * 2, left = column * 2;
  const std::int64_t bottom = std::min(top + 3, image.size(0));
  const std::int64_t right = std::min(left + 3, image.size(1));
  double total = 0;
  for (std::int64_t i = top; i < bottom; ++i)
    for (std::int64_t j = left; j < right; ++j) total += image[i][j].item<double>();
  return total / static_cast<double>((bottom - top) * (right - left));
}

// The last pooling alone: conv1 and conv2 made to give nothing, conv3 a bias of its own, the dense
// layer one pixel. A window that divided by 9 everywhere would give less at the edges.
TEST(Cnn3, ClippedWindowsDivideByWhatTheyCover) {
  const ModelContext context{1, 32, 32, 16, 1};
  const auto model = make_model("cnn3", context);
  const at::NoGradGuard no_grad;
  model->to(at::kDouble);
  const auto weights = model->named_parameters();
  for (const auto& item : weights) item.value().data().zero_();
  weights["conv3.bias"].data()[0] = 5.0;
  for (std::int64_t pixel = 0; pixel < 16; ++pixel) weights["fc.weight"].data()[pixel][pixel] = 1.0;
  const at::Tensor found = model->forward(at::zeros({1, 1, 32, 32}, at::kDouble)).reshape({4, 4});
  EXPECT_TRUE(found.allclose(at::full({4, 4}, 5.0, at::kDouble))) << found;
}

TEST(Cnn3, CeilModePoolingIsCaffes) {
  for (const std::int64_t height : {32, 16, 8, 7})
    for (const std::int64_t width : {32, 13, 2}) {
      const at::Tensor image =
          at::arange(height * width, at::kDouble).reshape({height, width}).square();
      const at::Tensor pooled =
          at::avg_pool2d(image.reshape({1, 1, height, width}), 3, 2, 0,
                         /*ceil_mode=*/true, /*count_include_pad=*/true)[0][0];
      const auto caffe_size = [](std::int64_t side) {
        return static_cast<std::int64_t>(std::ceil(static_cast<double>(side - 3) / 2)) + 1;
      };
      ASSERT_EQ(pooled.size(0), caffe_size(height));
      ASSERT_EQ(pooled.size(1), caffe_size(width));
      for (std::int64_t i = 0; i < pooled.size(0); ++i)
        for (std::int64_t j = 0; j < pooled.size(1); ++j)
          ASSERT_NEAR(pooled[i][j].item<double>(), caffe_average(image, i, j), 1e-6);
    }
}

TEST(Cnn3, InitialWeights) {
  const ModelContext context{3, 32, 32, 10, 3};
  const auto deviation_of = [](const Model& model, const std::string& layer) {
    return model.named_parameters()[layer + ".weight"]
        .detach()
        .to(at::kDouble)
        .std()
        .item<double>();
  };
  const auto caffe = make_model("cnn3", context);
  const auto kaiming = make_model("cnn3", context, "init: kaiming");
  for (const auto& [layer, deviation, fan_in] :
       std::vector<std::tuple<std::string, double, double>>{
           {"conv1", 1e-4, 75}, {"conv2", 0.01, 800}, {"conv3", 0.01, 800}, {"fc", 0.01, 1024}}) {
    EXPECT_NEAR(deviation_of(*caffe, layer), deviation, 0.04 * deviation) << layer;
    EXPECT_NEAR(deviation_of(*kaiming, layer), std::sqrt(2 / fan_in), 0.04 * std::sqrt(2 / fan_in))
        << layer;
    for (const auto& model : {caffe, kaiming})
      EXPECT_EQ(model->named_parameters()[layer + ".bias"].abs().max().item<double>(), 0) << layer;
  }
}

TEST(Cnn3, InitialWeightsDependOnNameAndSeedAlone) {
  ModelContext context{3, 32, 32, 10, 3};
  const auto weight_of = [&](const std::string& name) {
    return make_model("cnn3", context)->named_parameters()[name];
  };
  const at::Tensor first = weight_of("conv3.weight");
  at::manual_seed(99);
  context.classes = 7;
  EXPECT_TRUE(weight_of("conv3.weight").equal(first));
  context.seed = 4;
  EXPECT_FALSE(weight_of("conv3.weight").equal(first));
  EXPECT_THROW(initialise_gaussian(*make_model("cnn3", context), {{"conv1", 1}}, 1), Error);
}

TEST(Cnn3, TooSmallImages) {
  for (const std::string name : {"cnn3", "resnet9"}) {
    EXPECT_NO_THROW(make_model(name, {1, 8, 8, 10, 1}));
    try {
      make_model(name, {1, 32, 7, 10, 1});
      FAIL() << name;
    } catch (const FieldError& error) {
      const std::string text = error.what();
      EXPECT_NE(text.find(name + " needs images of at least 8x8 pixels, got 32x7"),
                std::string::npos)
          << text;
    }
  }
}

TEST(Cnn3, Bf16IsNearSingle) {
  const at::NoGradGuard no_grad;
  const auto model = make_model("cnn3", {}, "init: kaiming");
  const at::Tensor images = at::arange(3 * 3072).remainder(251).reshape({3, 3, 32, 32});
  const at::Tensor wide = model->forward(images.to(at::kFloat));
  model->to(at::kBFloat16);
  const at::Tensor narrow = model->forward(images.to(at::kBFloat16));
  EXPECT_EQ(narrow.scalar_type(), at::kBFloat16);
  EXPECT_LT((narrow.to(at::kFloat) - wide).norm().item<double>(),
            0.05 * wide.norm().item<double>());
}

}  // namespace
}  // namespace onecycle
