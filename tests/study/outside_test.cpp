// A part of each kind that recipes may name, made outside the library, and all that works on it.

#include "onecycle/build.h"
#include "onecycle/predict.h"
#include "onecycle/range_test.h"
#include "onecycle/tune.h"

#include "support/temporary_folder.h"
#include "yaml/yaml.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

namespace onecycle {
namespace {

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

struct NoiseOptions {
  double deviation = 0.1;
};

OptionTable<NoiseOptions> noise_options() {
  OptionTable<NoiseOptions> table("noise", "Normal noise on every pixel");
  table.add("deviation", &NoiseOptions::deviation, "of the noise").range(at_least(0));
  return table;
}

class Noise : public Augmentation {
 public:
  explicit Noise(double deviation) : deviation_(deviation) {}
  at::Tensor apply(const at::Tensor& inputs) const override {
    return inputs + at::randn_like(inputs) * deviation_;
  }

 private:
  double deviation_;
};

struct MarginOptions {
  double margin = 1;
};

OptionTable<MarginOptions> margin_options() {
  OptionTable<MarginOptions> table("margin", "The right output exceeds the others by a margin");
  table.add("margin", &MarginOptions::margin, "that costs nothing").range(above(0));
  return table;
}

class Margin : public Task {
 public:
  explicit Margin(double margin) : margin_(margin) {}
  at::Tensor loss(const at::Tensor& outputs, const Batch& batch) const override {
    return at::multi_margin_loss(outputs.narrow(0, 0, batch.valid),
                                 batch.targets.narrow(0, 0, batch.valid), 1, margin_);
  }
  at::Tensor held_out_loss(const at::Tensor& outputs, const Batch& batch) const override {
    return loss(outputs, batch);
  }
  std::vector<Metric> metrics() const override {
    return {{"hits", "hits", /*larger_is_better=*/true, /*is_fraction=*/true}};
  }

 protected:
  at::Tensor metric_sums(const at::Tensor& outputs, const Batch& batch) const override {
    const at::Tensor hits = outputs.argmax(1).eq(batch.targets).narrow(0, 0, batch.valid);
    return hits.sum().to(at::kDouble).view({1});
  }

 private:
  double margin_;
};

struct HalfOptions {
  double lr = 0.1;
};

OptionTable<HalfOptions> half_options() {
  OptionTable<HalfOptions> table("half", "Half the rate after half the run");
  table.add("lr", &HalfOptions::lr, "the rate before")
      .range(above(0))
      .on(Change::set_lr, [](HalfOptions& options, double lr) { options.lr = lr; });
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
      parameter.working.sub_(gradient.sign() * hyper_.member(&StepNumbers::lr).to(at::kFloat));
      gradient.reset();
    }
  }
  std::vector<NamedTensor> state() const override { return {}; }

 private:
  Parameters& parameters_;
};

Environment with_outside_parts() {
  Environment environment;
  Registries& registries = environment.registries;
  registries.formats.add(stripes_options(), [](const StripesOptions& options) {
    return std::make_unique<Stripes>(options);
  });
  registries.augmentations.add(noise_options(), [](const NoiseOptions& options, Augment& augment) {
    augment.others.push_back(std::make_shared<Noise>(options.deviation));
  });
  registries.tasks.add(margin_options(), TargetKind::classes,
                       [](const MarginOptions& options, const TaskContext&) {
                         return std::make_shared<Margin>(options.margin);
                       });
  registries.schedules.add(half_options(), [](const HalfOptions& options, const ScheduleContext&) {
    return std::make_unique<Half>(options.lr);
  });
  registries.models.add(wide_options(),
                        [](const WideOptions& options, const ModelContext& context) {
                          return std::make_shared<Wide>(options, context);
                        });
  registries.optimizers.add(OptionTable<SignOptions>("sign", "Steps of one size"),
                            [](const SignOptions&) {
                              OptimizerPlan plan;
                              plan.make = [](Parameters& parameters, const UpdateRule&) {
                                return std::make_unique<Sign>(parameters, at::kCPU);
                              };
                              return plan;
                            });
  return environment;
}

constexpr const char* kRecipe = R"(
name: outside
data:
  format: {name: stripes, samples: 96}
  batch_size: 16
  validation: 16
  augment: {noise: 0.02}
task: {name: margin, margin: 0.5}
model: {name: wide, width: 12}
optimizer: sign
schedule: {name: half, lr: 0.003}
train: {duration: 40ep, device: cpu, precision: fp32, threads: 1}
)";

TEST(PartsFromOutside, AreNamedInARecipeAndTrain) {
  const Environment environment = with_outside_parts();
  const RecipeRun run =
      build(read_recipe(parse_yaml(kRecipe, "r.yaml"), environment.registries), environment);
  EXPECT_EQ(run.data.train.size(), 80);
  EXPECT_EQ(run.rule.lr_max, 0.003);
  const RunEnd end = Trainer(run).fit();
  ASSERT_TRUE(end.validation);
  EXPECT_GT(end.validation->metric(), 0.9);
  EXPECT_EQ(run.task->metrics()[0].name, "hits");
  const Prediction said = predict(run, *run.validation);
  EXPECT_TRUE(said.probabilities.sum(1).allclose(at::ones({16}))) << "softmax, unless it says else";
  EXPECT_EQ(wanted_targets(run.recipe, environment.registries.tasks), TargetKind::classes);
}

TEST(PartsFromOutside, CanBeAskedWithoutARun) {
  const Environment environment = with_outside_parts();
  const Recipe recipe = read_recipe(parse_yaml(kRecipe, "r.yaml"), environment.registries);
  const RecipeRun parts = build_parts(build(recipe, environment).data, recipe, environment);
  EXPECT_EQ(parts.task->metrics()[0].name, "hits");
  EXPECT_FALSE(parts.model->decays_to_try().empty());
  EXPECT_FALSE(parts.optimizer);
}

// The augmentation's part, its share, and that it comes anew for each batch.
TEST(PartsFromOutside, AugmentTrainingBatchesAlone) {
  const Environment environment = with_outside_parts();
  const auto first_row = [&](const std::string& augment) {
    Value document = parse_yaml(kRecipe, "r.yaml");
    document.find("data")->set("augment", parse_yaml(augment, "r.yaml"));
    const RecipeRun run = build(read_recipe(document, environment.registries), environment);
    run.train->set_format({});
    at::manual_seed(5);
    run.train->seek(0, 0);
    return std::pair(run.train->rows(0, 16).inputs, run.validation->in_order(0, 16, 16).inputs);
  };
  const auto [plain, held_out] = first_row("{}");
  const auto [noisy, same] = first_row("{noise: {deviation: 0.02}}");
  EXPECT_NEAR((noisy - plain).std().item<double>(), 0.02, 0.004);
  EXPECT_TRUE(same.equal(held_out));
}

TEST(PartsFromOutside, AreTuned) {
  const Environment environment = with_outside_parts();
  Recipe recipe = read_recipe(parse_yaml(kRecipe, "r.yaml"), environment.registries);
  recipe.train.duration = {30, Duration::Unit::epochs};
  const RecipeRun run = build(recipe, environment);
  const TemporaryFolder folder;
  TuneOptions options;
  options.seeds = 1;
  StopSignal stop;
  std::string said;
  const TuneResult result = tune({recipe, run.data, environment, options, folder.path(), stop,
                                  nullptr, [&](const std::string& line) { said += line + "\n"; }});
  EXPECT_EQ(result.refused, "");
  ASSERT_EQ(result.metrics.size(), 1U);
  EXPECT_EQ(result.metrics[0].name, "hits");
  EXPECT_THAT(said, ::testing::ContainsRegex("validation loss [0-9.]+, hits [0-9.]+ %"));
  std::vector<std::string> what;
  for (const TuneChoice& choice : result.choices) what.push_back(choice.what);
  EXPECT_THAT(what, ::testing::Contains("lr_max"));
  EXPECT_THAT(what, ::testing::Not(::testing::Contains("momentum"))) << "sign has none";
  EXPECT_EQ(result.recipe.schedule.name, "half");
  const auto* half = result.recipe.schedule.as<HalfOptions>();
  ASSERT_NE(half, nullptr);
  EXPECT_NE(half->lr, 0.003);
}

TEST(PartsFromOutside, AreSweptAndPutBack) {
  const Environment environment = with_outside_parts();
  const RecipeRun run =
      build(read_recipe(parse_yaml(kRecipe, "r.yaml"), environment.registries), environment);
  const at::Tensor before = run.parameters->all().front().master.clone();
  Sweep plan;
  plan.low = 1e-5;
  plan.high = 1;
  plan.steps = 30;
  plan.held_out = 16;
  StopSignal stop;
  const SweepCurve curve = sweep(run, plan, stop);
  EXPECT_GT(curve.points.size(), 5U);
  EXPECT_EQ(curve.measure, Measure::accuracy) << "its first metric is a fraction";
  EXPECT_TRUE(run.parameters->all().front().master.equal(before));
  EXPECT_FALSE(stop.requested()) << "the divergence was the sweep's own";
}

TEST(PartsFromOutside, AreCheckedAsOwnOnes) {
  const Environment environment = with_outside_parts();
  const auto problem = [&](const std::string& override) -> std::string {
    Value document = parse_yaml(kRecipe, "r.yaml");
    document.set("data", parse_yaml(override, "r.yaml"));
    try {
      (void)read_recipe(document, environment.registries);
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
