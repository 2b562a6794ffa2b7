// Sizes, costs and initial weights of the models.

#include "onecycle/error.h"

#include "models/support.h"

#include <cmath>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

std::int64_t parameters_of(const torch::nn::Module& model) {
  std::int64_t count = 0;
  for (const at::Tensor& parameter : model.parameters()) count += parameter.numel();
  return count;
}

// Convolutions have no bias, norms a scale and a shift.
struct ResNetSize {
  std::int64_t parameters = 0;
  std::int64_t macs = 0;

  void add_convolution(std::int64_t in, std::int64_t out, std::int64_t kernel,
                       std::int64_t pixels) {
    parameters += in * out * kernel * kernel + 2 * out;
    macs += in * out * kernel * kernel * pixels;
  }
};

// By hand: a strided convolution leaves half the side, rounded up.
ResNetSize size_of(int depth, bool projects, std::int64_t width, const ModelContext& context) {
  ResNetSize size;
  std::int64_t height = context.height, length = context.width, in = width;
  size.add_convolution(context.channels, width, 3, height * length);
  for (int stage = 0; stage < 3; ++stage) {
    const std::int64_t out = width << stage;
    for (int block = 0; block < (depth - 2) / 6; ++block) {
      const bool halves = stage > 0 && block == 0;
      if (halves) {
        height = (height + 1) / 2;
        length = (length + 1) / 2;
      }
      size.add_convolution(in, out, 3, height * length);
      size.add_convolution(out, out, 3, height * length);
      if (halves && projects) size.add_convolution(in, out, 1, height * length);
      in = out;
    }
  }
  size.parameters += in * context.classes + context.classes;
  size.macs += in * context.classes;
  return size;
}

TEST(Model, ParametersOfTheKnownResNets) {
  // As published with the CIFAR-10 networks whose parameter names these are.
  const std::vector<std::pair<int, std::int64_t>> known = {
      {20, 269722}, {32, 464154}, {44, 658586}, {56, 853018}, {110, 1727962}};
  for (const auto& [depth, count] : known)
    EXPECT_EQ(parameters_of(*make_model("resnet" + std::to_string(depth), {})), count) << depth;
}

TEST(Model, ResNetSizesByHand) {
  for (const int depth : {8, 20, 32})
    for (const bool projects : {false, true})
      for (const ModelContext& context :
           {ModelContext{3, 32, 32, 10, 1}, {1, 28, 28, 7, 1}, {3, 31, 17, 100, 1}}) {
        const std::int64_t width = depth == 8 ? 5 : 16;
        const auto model = make_model("resnet" + std::to_string(depth), context,
                                      std::string("{shortcut: ") + (projects ? "B" : "A") +
                                          ", width: " + std::to_string(width) + "}");
        const ResNetSize expected = size_of(depth, projects, width, context);
        const ModelSummary summary = summarise(*model, context);
        EXPECT_EQ(summary.parameters, expected.parameters);
        EXPECT_EQ(summary.trainable, expected.parameters);
        EXPECT_EQ(summary.macs, expected.macs);
      }
}

TEST(Model, CostsByHand) {
  const ModelContext context{1, 28, 28, 10, 1};
  const ModelSummary mlp = summarise(*make_model("mlp", context), context);
  EXPECT_EQ(mlp.parameters, 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10);
  EXPECT_EQ(mlp.macs, 784 * 256 + 256 * 128 + 128 * 10);
  EXPECT_EQ(mlp.activation_bytes, 4 * (784 + 256 + 128 + 10));
  const std::int64_t first = 27 * 16 * 1024;
  const std::int64_t stage1 = 6 * 144 * 16 * 1024;
  const std::int64_t stage2 = 144 * 32 * 256 + 5 * 288 * 32 * 256;
  const std::int64_t stage3 = 288 * 64 * 64 + 5 * 576 * 64 * 64;
  EXPECT_EQ(summarise(*make_model("resnet20", {}), {}).macs,
            first + stage1 + stage2 + stage3 + 640);
}

TEST(Model, ASummaryLeavesTheModelAsItWas) {
  const auto model = make_model("resnet8", {});
  std::vector<at::Tensor> before;
  for (const at::Tensor& buffer : model->buffers()) before.push_back(buffer.clone());
  for (const bool training : {true, false}) {
    model->train(training);
    summarise(*model, {});
    EXPECT_EQ(model->is_training(), training);
  }
  const auto after = model->buffers();
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(after[i].equal(before[i]));
  for (const at::Tensor& parameter : model->parameters()) EXPECT_FALSE(parameter.grad().defined());
}

TEST(Model, AnyShapeOfImages) {
  const at::NoGradGuard no_grad;
  for (const ModelContext& context : {ModelContext{1, 28, 28, 10, 1},
                                      {3, 32, 32, 100, 1},
                                      {2, 1, 1, 2, 1},
                                      {5, 7, 33, 3, 1},
                                      {3, 64, 48, 1000, 1}})
    for (const auto& [name, options] : {std::pair{"mlp", "{}"},
                                        {"mlp", "hidden: []"},
                                        {"mlp", "hidden: [3, 1, 2]"},
                                        {"resnet8", "shortcut: A"},
                                        {"resnet8", "{shortcut: B, width: 3}"}}) {
      const auto model = make_model(name, context, options);
      model->eval();
      const at::Tensor logits =
          model->forward(at::zeros({3, context.channels, context.height, context.width}));
      EXPECT_EQ(logits.sizes(), (std::vector<std::int64_t>{3, context.classes}));
      EXPECT_TRUE(logits.isfinite().all().item<bool>());
    }
}

struct Statistics {
  double mean, deviation, largest;
};

Statistics statistics_of(const at::Tensor& values) {
  const at::Tensor wide = values.detach().to(at::kDouble);
  return {wide.mean().item<double>(), wide.std().item<double>(), wide.abs().max().item<double>()};
}

TEST(Init, StatisticsOfEveryScheme) {
  const ModelContext context{1, 20, 20, 10, 3};
  const double in = 400, out = 300;
  const std::vector<std::pair<std::string, double>> normal = {
      {"kaiming", std::sqrt(2 / in)},
      {"msra", std::sqrt(2 / in)},
      {"kaiming_fan_out", std::sqrt(2 / out)}};
  for (const auto& [init, deviation] : normal) {
    const auto model = make_model("mlp", context, "{hidden: [300], init: " + init + "}");
    const Statistics weight = statistics_of(model->named_parameters()["layer1.weight"]);
    EXPECT_NEAR(weight.mean, 0, 4 * deviation / std::sqrt(in * out)) << init;
    EXPECT_NEAR(weight.deviation, deviation, 0.01 * deviation) << init;
    EXPECT_GT(weight.largest, 3.5 * deviation) << init;
    EXPECT_EQ(statistics_of(model->named_parameters()["layer1.bias"]).largest, 0) << init;
  }
  const std::vector<std::pair<std::string, double>> uniform = {
      {"xavier", std::sqrt(6 / (in + out))}, {"torch", 1 / std::sqrt(in)}};
  for (const auto& [init, bound] : uniform) {
    const auto model = make_model("mlp", context, "{hidden: [300], init: " + init + "}");
    const Statistics weight = statistics_of(model->named_parameters()["layer1.weight"]);
    EXPECT_LE(weight.largest, bound) << init;
    EXPECT_GT(weight.largest, 0.999 * bound) << init;
    EXPECT_NEAR(weight.deviation, bound / std::sqrt(3), 0.01 * bound) << init;
    const Statistics bias = statistics_of(model->named_parameters()["layer1.bias"]);
    EXPECT_LE(bias.largest, bound) << init;
    EXPECT_EQ(bias.largest > 0.9 * bound, init == "torch") << init;
  }
}

TEST(Init, ConvolutionsCountTheirKernel) {
  const auto model = make_model("resnet8", {}, "{width: 64, init: kaiming}");
  const auto weights = model->named_parameters();
  const double deviation = std::sqrt(2 / (64 * 9.0));
  EXPECT_NEAR(statistics_of(weights["layer1.0.conv1.weight"]).deviation, deviation,
              0.02 * deviation);
  const auto fan_out = make_model("resnet8", {}, "{width: 64, init: kaiming_fan_out}");
  const double wider = std::sqrt(2 / (128 * 9.0));
  EXPECT_NEAR(statistics_of(fan_out->named_parameters()["layer2.0.conv1.weight"]).deviation, wider,
              0.02 * wider);
  EXPECT_TRUE(weights["bn1.weight"].equal(at::ones(64)));
  EXPECT_TRUE(weights["bn1.bias"].equal(at::zeros(64)));
}

TEST(Init, TorchvisionsResNets) {
  const auto weights = make_model("resnet18", {3, 32, 32, 10, 1})->named_parameters();
  const double deviation = std::sqrt(2 / (128 * 9.0));
  EXPECT_NEAR(statistics_of(weights["layer2.0.conv1.weight"]).deviation, deviation,
              0.02 * deviation);
  const double bound = 1 / std::sqrt(512.0);
  EXPECT_NEAR(statistics_of(weights["fc.weight"]).largest, bound, 0.01 * bound);
  EXPECT_GT(statistics_of(weights["fc.bias"]).largest, 0);
  EXPECT_TRUE(weights["layer1.0.bn2.weight"].equal(at::ones(64)));
  const auto zeroed = make_model("resnet50", {3, 8, 8, 10, 1}, "{zero_init: true, groups: 2}");
  for (const auto& item : zeroed->named_parameters())
    if (item.key().ends_with("bn3.weight")) {
      EXPECT_EQ(item.value().abs().max().item<float>(), 0);
    }
}

TEST(Init, NumbersDependOnNameShapeAndSeedAlone) {
  ModelContext context{1, 8, 8, 10, 7};
  const auto weight_of = [&](const std::string& hidden, const std::string& name) {
    return make_model("mlp", context, "hidden: " + hidden)->named_parameters()[name];
  };
  const at::Tensor first = weight_of("[64, 64]", "layer1.weight");
  at::manual_seed(99);
  EXPECT_TRUE(weight_of("[64, 64]", "layer1.weight").equal(first));
  EXPECT_TRUE(weight_of("[64, 3, 5]", "layer1.weight").equal(first));
  EXPECT_FALSE(weight_of("[64, 64]", "layer2.weight").equal(first));
  context.seed = 8;
  EXPECT_FALSE(weight_of("[64, 64]", "layer1.weight").equal(first));
}

// Made from C++, without a recipe.
TEST(TypedModels, AreThoseOfRecipes) {
  const ModelContext context{3, 32, 32, 10, 7};
  CifarResNet residual;
  residual.width = 8;
  ResNet large;
  large.layers = 34;
  large.stem = ResNet::Stem::cifar;
  const std::pair<std::shared_ptr<Model>, std::shared_ptr<Model>> pairs[] = {
      {make_model(Mlp{{16}}, context), make_model("mlp", context, "hidden: [16]")},
      {make_model(residual, context), make_model("resnet20", context, "width: 8")},
      {make_model(large, context), make_model("resnet34", context, "stem: cifar")},
      {make_model(CifarFast{}, context), make_model("cifar_fast", context)}};
  for (const auto& [typed, read] : pairs) {
    const auto own = typed->named_parameters();
    ASSERT_EQ(own.size(), read->named_parameters().size());
    for (const auto& item : read->named_parameters())
      EXPECT_TRUE(own[item.key()].equal(item.value())) << item.key();
  }
  residual.depth = 21;
  EXPECT_THROW(make_model(residual, context), Error);
  large.layers = 20;
  EXPECT_THROW(make_model(large, context), Error);
}

TEST(ModelOptions, BadValues) {
  const auto registry = builtin_models();
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"mlp", "hidden: [256, 0]"},
      {"mlp", "hidden: 256"},
      {"mlp", "init: he"},
      {"mlp", "width: 16"},
      {"resnet20", "shortcut: C"},
      {"resnet20", "width: 0"},
      {"mlp", "norm: group"},
      {"mlp", "embedding: 0"},
      {"mlp", "{block: residual, hidden: []}"},
      {"resnet18", "groups: 2"},
      {"resnet50", "stem: mnist"}};
  for (const auto& [name, text] : bad) {
    Problems problems;
    registry.at(name).variant.options->read(parse_yaml(text, "test.yaml"), "model", problems);
    EXPECT_EQ(problems.size(), 1u) << text;
  }
  EXPECT_THROW(registry.at("resnet19"), FieldError);
}

}  // namespace
}  // namespace onecycle
