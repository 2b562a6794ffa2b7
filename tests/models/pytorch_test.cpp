// Against networks written with torch.nn (tests/golden/model.py): names, shapes, outputs and
// gradients.

#include "models/support.h"
#include "support/formula.h"
#include "support/golden.h"

#include <cmath>
#include <cstdint>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

const std::vector<GoldenCase>& cases() {
  static const auto read = read_golden("model.txt");
  return read;
}

at::Tensor formula_tensor(const std::string& name, at::IntArrayRef shape, double scale) {
  return at::tensor(formula(name, c10::multiply_integers(shape), scale), at::kDouble)
      .reshape(shape);
}

// Of a table's embedded columns.
std::vector<std::int64_t> categories_of(const GoldenCase& golden) {
  std::vector<std::int64_t> categories;
  const auto listed = golden.options.find("categories");
  if (listed == golden.options.end()) return categories;
  std::istringstream numbers(listed->second);
  for (std::string number; std::getline(numbers, number, ',');)
    categories.push_back(std::stoll(number));
  return categories;
}

bool is_table(const GoldenCase& golden) { return golden.options.contains("categories"); }

ModelContext context_of(const GoldenCase& golden) {
  ModelContext context{golden.integer("channels"), golden.integer("height"),
                       golden.integer("width"), golden.integer("classes"), 1};
  if (is_table(golden)) context.sample_shape = {context.channels};
  context.categories = categories_of(golden);
  return context;
}

std::shared_ptr<Model> model_of(const GoldenCase& golden) {
  std::string options;
  for (const auto& [key, name] : {std::pair{"shortcut", "shortcut"},
                                  {"hidden", "hidden"},
                                  {"bn_batch", "bn_batch"},
                                  {"logit_scale", "logit_scale"},
                                  {"stem", "stem"},
                                  {"groups", "groups"},
                                  {"width_per_group", "width_per_group"},
                                  {"widths", "widths"},
                                  {"convs", "convs"},
                                  {"residual", "residual"},
                                  {"norm", "norm"},
                                  {"block", "block"},
                                  {"embedding", "embedding"},
                                  {"stream", "width"},
                                  {"planes", "width"}})
    if (golden.options.contains(key))
      options += std::string(name) + ": " + golden.option(key) + ", ";
  return make_model(golden.name, context_of(golden), "{" + options + "}");
}

// Weights and buffers by name, in the order in which PyTorch's state_dict lists them.
std::vector<std::pair<std::string, at::Tensor>> state_of(const torch::nn::Module& model) {
  std::vector<std::pair<std::string, at::Tensor>> state;
  for (const auto& part : model.named_modules("", true)) {
    const std::string prefix = part.key().empty() ? "" : part.key() + ".";
    for (const auto& item : part.value()->named_parameters(false))
      state.emplace_back(prefix + item.key(), item.value());
    for (const auto& item : part.value()->named_buffers(false))
      state.emplace_back(prefix + item.key(), item.value());
  }
  return state;
}

// As `fill` of tests/golden/model.py.
void fill(const torch::nn::Module& model) {
  const at::NoGradGuard no_grad;
  for (auto& [name, value] : state_of(model)) {
    if (name.ends_with("num_batches_tracked")) {
      value.zero_();
      continue;
    }
    const bool positive =
        value.dim() == 1 && !name.ends_with("bias") && !name.ends_with("running_mean");
    const double fan = static_cast<double>(value.numel()) / static_cast<double>(value.size(0));
    const double scale = value.dim() > 1 ? std::sqrt(24 / fan) : 1;
    value.copy_(formula_tensor(name, value.sizes(), scale) + (positive ? 1.0 : 0.0));
  }
}

// Every difference relative to numbers above 1.
void expect_near(const at::Tensor& found, const std::vector<double>& expected, double tolerance,
                 const std::string& what) {
  const at::Tensor values = found.detach().to(at::kDouble).flatten();
  ASSERT_EQ(values.numel(), static_cast<std::int64_t>(expected.size())) << what;
  if (expected.empty()) return;
  const at::Tensor wanted = at::tensor(expected, at::kDouble);
  const at::Tensor error = (values - wanted).abs() / wanted.abs().clamp_min(1);
  EXPECT_LE(error.max().item<double>(), tolerance) << what;
}

// As `rows` of tests/golden/model.py.
at::Tensor rows_of(const GoldenCase& golden) {
  const std::int64_t batch = golden.integer("batch");
  const std::vector<std::int64_t> categories = categories_of(golden);
  const auto columns = static_cast<std::int64_t>(categories.size());
  std::vector<at::Tensor> parts{
      formula_tensor("images", {batch, golden.integer("channels") - columns}, 4)};
  for (std::int64_t i = 0; i < columns; ++i)
    parts.push_back(
        at::remainder(at::arange(batch) * (i + 2), categories[static_cast<std::size_t>(i)])
            .to(at::kDouble)
            .unsqueeze(1));
  return at::cat(parts, 1);
}

at::Tensor images_of(const GoldenCase& golden) {
  if (is_table(golden)) return rows_of(golden);
  return formula_tensor("images",
                        {golden.integer("batch"), golden.integer("channels"),
                         golden.integer("height"), golden.integer("width")},
                        4);
}

at::Tensor every_kth(const at::Tensor& values, std::int64_t samples) {
  const at::Tensor flat = values.flatten();
  return flat.slice(0, 0, {}, std::max<std::int64_t>(1, flat.numel() / samples));
}

void compare_in_double(const GoldenCase& golden) {
  constexpr double kTolerance = 1e-10;
  const auto model = model_of(golden);
  model->to(at::kDouble);
  fill(*model);
  model->train();
  const at::Tensor logits = model->forward(images_of(golden));
  expect_near(logits, golden.numbers.at("logits"), kTolerance, "logits");
  const at::Tensor labels =
      at::remainder(at::arange(golden.integer("batch")) * 3, golden.integer("classes"));
  const at::Tensor loss = at::cross_entropy_loss(logits, labels);
  expect_near(loss, golden.numbers.at("loss"), kTolerance, "loss");
  loss.backward();
  for (const auto& item : model->named_parameters()) {
    if (!item.value().requires_grad()) continue;
    const at::Tensor& gradient = item.value().grad();
    ASSERT_TRUE(gradient.defined()) << item.key();
    expect_near(gradient.sum(), golden.numbers.at("sum:" + item.key()), kTolerance, item.key());
    expect_near(gradient.norm(), golden.numbers.at("norm:" + item.key()), kTolerance, item.key());
    expect_near(every_kth(gradient, golden.integer("samples")),
                golden.numbers.at("grad:" + item.key()), kTolerance, item.key());
  }
  for (const auto& item : model->named_buffers())
    expect_near(every_kth(item.value(), golden.integer("samples")),
                golden.numbers.at("buffer:" + item.key()), kTolerance, item.key());
  model->eval();
  expect_near(model->forward(images_of(golden)), golden.numbers.at("evaluated"), kTolerance,
              "evaluated");
}

TEST(ModelPyTorch, NamesAndShapes) {
  for (const GoldenCase& golden : cases()) {
    SCOPED_TRACE(golden.head);
    std::vector<std::string> expected;
    for (const std::string& key : golden.keys)
      if (key.starts_with("shape:")) expected.push_back(key.substr(6));
    std::vector<std::string> found;
    for (const auto& [name, value] : state_of(*model_of(golden))) {
      found.push_back(name);
      const auto shape = golden.numbers.find("shape:" + name);
      ASSERT_NE(shape, golden.numbers.end()) << name;
      const std::vector<double> sizes(value.sizes().begin(), value.sizes().end());
      EXPECT_EQ(sizes, shape->second) << name;
    }
    EXPECT_EQ(found, expected);
  }
}

TEST(ModelPyTorch, OutputsAndGradientsInDouble) {
  for (const GoldenCase& golden : cases()) {
    SCOPED_TRACE(golden.head);
    compare_in_double(golden);
  }
}

// 1e-5, but where norms over a few values amplify rounding so much that PyTorch's own single
// precision misses its double precision by more: three times that.
double tolerance_in_single(const GoldenCase& golden) {
  const std::vector<double>& single = golden.numbers.at("single");
  const std::vector<double>& exact = golden.numbers.at("logits");
  double own = 0;
  for (std::size_t i = 0; i < single.size(); ++i)
    own = std::max(own, std::abs(single[i] - exact[i]) / std::max(1.0, std::abs(exact[i])));
  return own > 1e-5 ? 3 * own : 1e-5;
}

TEST(ModelPyTorch, OutputsInSingle) {
  const at::NoGradGuard no_grad;
  for (const GoldenCase& golden : cases())
    for (const auto memory_format :
         {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
      if (is_table(golden) && memory_format != at::MemoryFormat::Contiguous) continue;
      SCOPED_TRACE(golden.head);
      const auto model = model_of(golden);
      for (at::Tensor& parameter : model->parameters())
        if (parameter.dim() == 4) parameter.set_data(parameter.detach().contiguous(memory_format));
      fill(*model);
      model->train();
      expect_near(model->forward(images_of(golden).to(at::kFloat).contiguous(memory_format)),
                  golden.numbers.at("single"), tolerance_in_single(golden), "single precision");
    }
}

}  // namespace
}  // namespace onecycle
