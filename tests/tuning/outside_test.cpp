// A part of each kind that recipes may name, made outside the library, and all that works on it.

#include "onecycle/build.h"
#include "onecycle/range_test.h"

#include "recipe/yaml.h"

#include <cmath>
#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

namespace onecycle {
namespace {

template <class Options>
Options read(const OptionTable<Options>& table, const Value& values) {
  Problems problems;
  Options options = table.read(values, "", problems);
  problems.throw_if_any();
  return options;
}

struct StripesOptions {
  std::int64_t samples = 64;
};

OptionTable<StripesOptions> stripes_options() {
  OptionTable<StripesOptions> table("stripes", "Pictures of a stripe, across or upright");
  table.add("samples", &StripesOptions::samples, "of the training split").range(at_least(1));
  return table;
}

class Stripes : public DatasetFormat {
 public:
  explicit Stripes(const StripesOptions& options) : options_(options) {}
  std::vector<std::string> files(Split) const override { return {}; }
  bool present(const DataFiles&) const override { return true; }
  ImageSet read(Split, const DataFiles&) const override {
    const std::int64_t samples = options_.samples;
    ImageSet set{at::zeros({samples, 1, 6, 6}, at::kByte), at::arange(samples).remainder(2)};
    for (std::int64_t i = 0; i < samples; ++i) set.images[i][0].select(i % 2, i / 2 % 6).fill_(255);
    return set;
  }
  std::vector<std::string> classes(const DataFiles&) const override { return {"rows", "columns"}; }

 private:
  StripesOptions options_;
};

struct HalfOptions {
  double lr = 0.1;
};

OptionTable<HalfOptions> half_options() {
  OptionTable<HalfOptions> table("half", "Half the rate after half the run");
  table.add("lr", &HalfOptions::lr, "the rate before").range(above(0));
  return table;
}

class Half : public Schedule {
 public:
  explicit Half(double lr) : lr_(lr) {}
  Hyper at(std::int64_t step, std::int64_t total) const override {
    return {step < total / 2 ? lr_ : lr_ / 2, 0.9, 0};
  }

 private:
  double lr_;
};

struct WideOptions {
  std::int64_t width = 8;
};

OptionTable<WideOptions> wide_options() {
  OptionTable<WideOptions> table("wide", "One hidden layer");
  table.add("width", &WideOptions::width, "of the layer").range(at_least(1));
  return table;
}

class Wide : public Model {
 public:
  Wide(const WideOptions& options, const ModelContext& context)
      : in_(register_module(
            "in",
            torch::nn::Linear(context.channels * context.height * context.width, options.width))),
        out_(register_module("out", torch::nn::Linear(options.width, context.classes))) {
    initialise(*this, Init::kaiming, context.seed);
  }
  at::Tensor forward(const at::Tensor& images) override {
    return out_(in_(images.flatten(1)).relu());
  }

 private:
  torch::nn::Linear in_;
  torch::nn::Linear out_;
};

struct SignOptions {
  bool quiet = false;
};

// The sign of the gradient alone.
class Sign : public Optimizer {
 public:
  Sign(Parameters& parameters, at::Device device) : Optimizer(device), parameters_(parameters) {}
  void step() override {
    const at::NoGradGuard no_grad;
    for (Parameter& parameter : parameters_.all()) {
      at::Tensor& gradient = parameter.working.mutable_grad();
      if (!gradient.defined()) continue;
      parameter.working.sub_(gradient.sign() * hyper_.lr().to(at::kFloat));
      gradient.reset();
    }
  }
  std::vector<NamedTensor> state() const override { return {}; }

 private:
  Parameters& parameters_;
};

Registries with_outside_parts() {
  Registries registries;
  const auto stripes = stripes_options();
  registries.formats.add({stripes.variant(), [stripes](const Value& values) {
                            return std::make_unique<Stripes>(read(stripes, values));
                          }});
  const auto half = half_options();
  registries.schedules.add({half.variant(), [half](const Value& values, const ScheduleContext&) {
                              return std::make_unique<Half>(read(half, values).lr);
                            }});
  const auto wide = wide_options();
  registries.models.add({wide.variant(), [wide](const Value& values, const ModelContext& context) {
                           return std::make_shared<Wide>(read(wide, values), context);
                         }});
  const OptionTable<SignOptions> sign("sign", "Steps of one size");
  registries.optimizers.add({sign.variant(), [](const Value&) {
                               OptimizerPlan plan;
                               plan.make = [](Parameters& parameters, const UpdateRule&) {
                                 return std::make_unique<Sign>(parameters, at::kCPU);
                               };
                               return plan;
                             }});
  return registries;
}

constexpr const char* kRecipe = R"(
name: outside
data: {format: {name: stripes, samples: 96}, batch_size: 16, validation: 16}
model: {name: wide, width: 12}
optimizer: sign
schedule: {name: half, lr: 0.003}
train: {duration: 40ep, device: cpu, precision: fp32, threads: 1}
)";

TEST(PartsFromOutside, AreNamedInARecipeAndTrain) {
  const Registries registries = with_outside_parts();
  const RecipeRun run = build(read_recipe(parse_yaml(kRecipe, "r.yaml"), registries), registries);
  EXPECT_EQ(run.data.train.size(), 80);
  EXPECT_EQ(run.rule.lr_max, 0.003);
  const RunEnd end = Trainer(run).fit();
  ASSERT_TRUE(end.validation);
  EXPECT_GT(end.validation->metric(), 0.9);
}

TEST(PartsFromOutside, AreSweptAndPutBack) {
  const Registries registries = with_outside_parts();
  const RecipeRun run = build(read_recipe(parse_yaml(kRecipe, "r.yaml"), registries), registries);
  const at::Tensor before = run.parameters->all().front().master.clone();
  Sweep plan;
  plan.low = 1e-5;
  plan.high = 1;
  plan.steps = 30;
  plan.held_out = 16;
  StopSignal stop;
  const SweepCurve curve = sweep(run, plan, stop);
  EXPECT_GT(curve.points.size(), 5U);
  EXPECT_TRUE(run.parameters->all().front().master.equal(before));
  EXPECT_FALSE(stop.requested()) << "the divergence was the sweep's own";
}

TEST(PartsFromOutside, AreCheckedAsOwnOnes) {
  const Registries registries = with_outside_parts();
  const auto problem = [&](const std::string& override) -> std::string {
    Value document = parse_yaml(kRecipe, "r.yaml");
    document.set("data", parse_yaml(override, "r.yaml"));
    try {
      (void)read_recipe(document, registries);
      return "";
    } catch (const RecipeError& error) {
      return error.what();
    }
  };
  EXPECT_EQ(problem("{format: {name: stripes}}"), "");
  EXPECT_NE(problem("{format: {name: stripes, samples: 0}}").find("samples"), std::string::npos);
  EXPECT_NE(problem("{format: {name: spots}}").find("stripes"), std::string::npos)
      << "the known names hold the new one";
}

}  // namespace
}  // namespace onecycle
