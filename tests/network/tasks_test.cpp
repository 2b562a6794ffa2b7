// What networks that are no classifiers of pictures say of themselves, and what Predictors make of
// them.

#include "onecycle/error.h"
#include "onecycle/options.h"
#include "onecycle/predictor.h"

#include "core/text/json_text.h"
#include "formats/safetensors/safetensors.h"
#include "network/views.h"
#include "support/temporary_folder.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

namespace onecycle {
namespace {

using testing::HasSubstr;

// A row is a number, 2 one-hot numbers and an embedded column.
NetworkTask of_a_table() {
  NetworkTask task;
  task.data = "houses";
  task.channels = 4;
  task.height = task.width = 1;
  task.sample_shape = {4};
  task.task = Choice("regression");
  task.targets = {{"price", "age"}, {200, 30}, {50, 1.0 / 3}, {}};
  task.table = TableEncoding{
      {{"area", TableColumn::Kind::number, 1.0 / 3, 0.25, -2.5, {}, {"", "NA"}},
       {"kind", TableColumn::Kind::one_hot, 0, 1, 0, {"a\x01\r\n\x7f", "ho,use \"x\""}, {}},
       {"town", TableColumn::Kind::embedding, 0, 1, 0, {"Zürich", "\u0085"}, {"\x1b"}}},
      ";",
      7.5};
  return task;
}

std::optional<NetworkTask> read(const NetworkTask& task) {
  return task_in({{kTaskKey, to_json(task)}}, "x.safetensors");
}

TEST(TaskOfATable, ComesBackWhole) {
  const NetworkTask given = of_a_table();
  const auto task = read(given);
  ASSERT_TRUE(task);
  EXPECT_EQ(task->data, "houses");
  EXPECT_EQ(task->channels, 4);
  EXPECT_EQ(task->sample_shape, given.sample_shape);
  EXPECT_EQ(task->task.name, "regression");
  EXPECT_EQ(task->told(), 2);
  EXPECT_EQ(task->targets.names, given.targets.names);
  EXPECT_EQ(task->targets.mean, given.targets.mean);
  EXPECT_EQ(task->targets.std, given.targets.std) << "to the last bit";
  ASSERT_TRUE(task->table);
  EXPECT_EQ(task->table->separator, ";");
  EXPECT_EQ(task->table->clip, 7.5);
  ASSERT_EQ(task->table->columns.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    const TableColumn& column = task->table->columns[i];
    const TableColumn& expected = given.table->columns[i];
    EXPECT_EQ(column.name, expected.name);
    EXPECT_EQ(column.kind, expected.kind);
    EXPECT_EQ(column.mean, expected.mean);
    EXPECT_EQ(column.std, expected.std);
    EXPECT_EQ(column.fill, expected.fill);
    EXPECT_EQ(column.categories, expected.categories);
    EXPECT_EQ(column.missing, expected.missing);
  }
}

TEST(TaskOfATable, ItsOptionsComeBack) {
  NetworkTask task = of_a_table();
  const auto text = [&](const char* choice) {
    Json json = parse_json(to_json(task));
    json["task"] = parse_json(choice);
    return json_text(json);
  };
  const auto found =
      task_in({{kTaskKey, text(R"({"name":"regression","loss":"gaussian_nll"})")}}, "x");
  ASSERT_TRUE(found);
  EXPECT_EQ(make_task(*found, builtin_tasks())->outputs(2), 4) << "a mean and a variance each";
  EXPECT_THAT(
      [&] {
        (void)task_in({{kTaskKey, text(R"({"name":"rank"})")}}, "x");
      },
      testing::ThrowsMessage<CheckpointError>(HasSubstr("x: its network's task")));
  EXPECT_THAT(
      [&] {
        (void)task_in({{kTaskKey, text("3")}}, "x");
      },
      testing::Throws<CheckpointError>());
}

TEST(TaskOfATable, AsManyWeightsAsARecipeMayGiveComeBack) {
  NetworkTask task = of_a_table();
  task.targets = {};
  Value weights = Value::map();
  for (int i = 0; i < 1000; ++i) {
    task.classes.push_back(std::to_string(i));
    weights.set(task.classes.back(), Value::scalar("2"));
  }
  Value options = Value::map();
  options.set("weights", weights);
  task.task = choose(builtin_tasks().variants(), "classification", options);
  EXPECT_TRUE(read(task));
}

// Written before there were other tasks than classification.
TEST(TaskOfATable, OldMetadataClassifyPictures) {
  const auto task =
      task_in({{kTaskKey, R"({"data":"toy","channels":1,"height":8,"width":8,"classes":["a","b"],)"
                          R"("mean":[0.5],"std":[0.25],"resize":8})"}},
              "x");
  ASSERT_TRUE(task);
  EXPECT_EQ(task->task.name, "classification");
  EXPECT_TRUE(task->sample_shape.empty());
  EXPECT_FALSE(task->table);
  EXPECT_EQ(make_task(*task, builtin_tasks())->targets(), TargetKind::classes);
}

TEST(TaskOfATable, EveryFieldIsChecked) {
  const auto refused = [](const std::string& field,
                          const std::function<void(NetworkTask&)>& spoil) {
    NetworkTask task = of_a_table();
    spoil(task);
    EXPECT_THAT([&] { (void)read(task); },
                testing::ThrowsMessage<CheckpointError>(HasSubstr("`" + field + "`")));
  };
  refused("channels", [](NetworkTask& task) { task.channels = 5; });
  refused("height", [](NetworkTask& task) { task.height = 2; });
  refused("sample_shape", [](NetworkTask& task) { task.sample_shape = {4, 0}; });
  refused("sample_shape", [](NetworkTask& task) { task.sample_shape = {2, 2, 1}; });
  refused("sample_shape", [](NetworkTask& task) {
    task.sample_shape = {std::int64_t{1} << 40, std::int64_t{1} << 40};
  });
  refused("mean", [](NetworkTask& task) { task.mean = {0}; });
  refused("table", [](NetworkTask& task) { task.table->columns.pop_back(); });
  refused("table", [](NetworkTask& task) { task.table->columns[0].std = 0; });
  refused("table", [](NetworkTask& task) { task.table->columns[0].fill = 1e300; });
  refused("table", [](NetworkTask& task) { task.table->columns[1].name = "area"; });
  refused("table", [](NetworkTask& task) { task.table->columns[1].name = "a\x01"; });
  refused("table", [](NetworkTask& task) { task.table->columns[2].categories = {"A", "A"}; });
  refused("table", [](NetworkTask& task) {
    std::reverse(task.table->columns[2].categories.begin(),
                 task.table->columns[2].categories.end());
  });
  refused("table", [](NetworkTask& task) { task.table->separator = ""; });
  refused("targets", [](NetworkTask& task) { task.targets.mean.pop_back(); });
  refused("targets", [](NetworkTask& task) { task.targets.std[1] = 0; });
  refused("targets", [](NetworkTask& task) { task.targets.names[0] = "a\nb"; });
  refused("classes", [](NetworkTask& task) { task.targets = {}; });
  refused("targets", [](NetworkTask& task) { task.classes = {"a"}; });
  EXPECT_THAT(
      [] {
        NetworkTask task = of_a_table();
        std::string text = to_json(task);
        text.replace(text.find("one_hot"), 7, "one_cold");
        (void)task_in({{kTaskKey, text}}, "x");
      },
      testing::ThrowsMessage<CheckpointError>(HasSubstr("cannot be read")));
}

// outputs = inputs W' + b, in the dtype that its inputs must have.
class Affine : public Model {
 public:
  Affine(std::int64_t inputs, std::int64_t outputs, bool exact)
      : layer_(register_module("layer", torch::nn::Linear(inputs, outputs))), exact_(exact) {}

  at::Tensor forward(const at::Tensor& inputs) override {
    seen = inputs.scalar_type();
    return layer_->forward(inputs.to(layer_->weight.scalar_type()));
  }
  std::optional<at::ScalarType> input_dtype() const override {
    return exact_ ? std::optional(at::kDouble) : std::nullopt;
  }

  at::ScalarType seen = at::kByte;

 private:
  torch::nn::Linear layer_;
  bool exact_;
};

NetworkTask of_numbers(std::vector<std::int64_t> shape, const char* name) {
  NetworkTask task;
  task.channels = c10::multiply_integers(shape);
  task.height = task.width = 1;
  task.sample_shape = std::move(shape);
  task.task = Choice(name);
  return task;
}

TEST(PredictorOfNumbers, ARegressionsValuesAreInTheUnitsOfTheData) {
  NetworkTask task = of_numbers({3}, "regression");
  task.targets = {{"price", "age"}, {200, 30}, {50, 4}, {}};
  Mlp options;
  options.hidden = {5};
  ModelContext context{3, 1, 1, 2, 7};
  context.sample_shape = {3};
  const auto model = make_model(options, context);
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> weights;
  for (const at::Tensor& tensor : model->parameters())
    weights.push_back(tensor.to(at::kDouble, false, true));
  const Predictor predictor(model, task, {.device = DeviceChoice::cpu, .batch_size = 4});
  EXPECT_EQ(predictor.tells(), TargetKind::values);
  const at::Tensor rows = at::randn({11, 3});
  const at::Tensor hidden =
      (at::matmul(rows.to(at::kDouble), weights[0].t()) + weights[1]).clamp_min(0);
  const at::Tensor outputs = at::matmul(hidden, weights[2].t()) + weights[3];
  const at::Tensor expected = outputs * at::tensor({50.0, 4.0}) + at::tensor({200.0, 30.0});
  const Predictions found = predictor.predict(rows);
  EXPECT_TRUE(found.logits.to(at::kDouble).allclose(outputs, 1e-5, 1e-5));
  ASSERT_EQ(found.values.sizes(), at::IntArrayRef({11, 2}));
  EXPECT_TRUE(found.values.allclose(expected.to(at::kDouble), 1e-5, 1e-3));
  EXPECT_FALSE(found.probabilities.defined());
  EXPECT_EQ(predictor.predict(at::empty({0, 3})).values.sizes(), at::IntArrayRef({0, 2}));
  EXPECT_THROW((void)predictor.top(found.values[0], 1), Error);
  const auto refused = [&](const at::Tensor& samples, const std::string& said) {
    EXPECT_THAT([&] { (void)predictor.predict(samples); },
                testing::ThrowsMessage<Error>(HasSubstr(said)));
  };
  refused(at::zeros({2, 4}), "[N, 3]");
  refused(at::zeros({3}), "[N, 3]");
  refused({}, "got none");
  refused(at::zeros({2, 3}, at::kHalf), "float32 or float64");
  refused(at::full({2, 3}, std::numeric_limits<float>::infinity()), "not numbers");
  EXPECT_THAT([&] { predictor.require_pictures(); },
              testing::ThrowsMessage<Error>(HasSubstr("not pictures")));
  EXPECT_THAT([&] { (void)predictor.predict_table("a.csv"); },
              testing::ThrowsMessage<Error>(HasSubstr("a.csv: ")));
  EXPECT_THROW(Predictor(model, task, {.views = TestTimeAugmentation::flip}), Error);
}

// float32 has no 1e9 + 1.
TEST(PredictorOfNumbers, AreStandardisedBeforeTheyAreFloat32) {
  NetworkTask task = of_numbers({2}, "classification");
  task.classes = {"a", "b"};
  task.mean = {1e9, 0};
  task.std = {1, 1e-9};
  class Same : public Model {
   public:
    at::Tensor forward(const at::Tensor& inputs) override { return inputs; }
  };
  const Predictor predictor(std::make_shared<Same>(), task, {.device = DeviceChoice::cpu});
  const at::Tensor samples = at::tensor({1e9 + 1, 1e-9, 1e9 - 2, 0.}, at::kDouble).view({2, 2});
  EXPECT_TRUE(
      predictor.predict(samples).logits.equal(at::tensor({1.F, 1.F, -2.F, 0.F}).view({2, 2})));
  const Predictor by_one(std::make_shared<Same>(), task,
                         {.device = DeviceChoice::cpu, .batch_size = 1});
  EXPECT_THAT(
      [&] {
        (void)by_one.predict(at::tensor({0., 0., 0., 1e38}, at::kDouble).view({2, 2}));
      },
      testing::ThrowsMessage<DataError>(HasSubstr("sample 1 (counted from 0)")));
}

TEST(PredictorOfNumbers, FilesAreNamedInMessages) {
  NetworkTask task = of_numbers({2}, "classification");
  task.classes = {"a", "b"};
  class Same : public Model {
   public:
    at::Tensor forward(const at::Tensor& inputs) override { return inputs; }
  };
  const Predictor predictor(std::make_shared<Same>(), task, {.device = DeviceChoice::cpu});
  const TemporaryFolder folder;
  const std::vector<float> numbers = {1, 2, 3, 4, 5, 6};
  const auto write = [&](const std::vector<std::int64_t>& shape) {
    write_safetensors(folder / "x", {{"x", "F32", shape, numbers.data(), 24}}, {});
  };
  write({3, 2});
  EXPECT_TRUE(predictor.predict_arrays(folder / "x")
                  .logits.equal(at::tensor({1.F, 2.F, 3.F, 4.F, 5.F, 6.F}).view({3, 2})));
  write({2, 3});
  EXPECT_THAT([&] { (void)predictor.predict_arrays(folder / "x"); },
              testing::ThrowsMessage<DataError>(
                  testing::StartsWith(folder / "x" + ": the network takes samples [N, 2]")));
}

TEST(PredictorOfNumbers, LabelsHaveProbabilitiesOfTheirOwn) {
  NetworkTask task = of_numbers({2, 2}, "multi_label");
  task.classes = {"red", "round"};
  class Flat : public Model {
   public:
    at::Tensor forward(const at::Tensor& inputs) override {
      return inputs.flatten(1).narrow(1, 1, 2);
    }
  };
  const Predictor predictor(std::make_shared<Flat>(), task, {.device = DeviceChoice::cpu});
  const Predictions found =
      predictor.predict(at::tensor({9.F, 0.F, std::log(3.F), 9.F}).view({1, 2, 2}));
  EXPECT_NEAR(found.probabilities[0][0].item<double>(), 0.5, 1e-6);
  EXPECT_NEAR(found.probabilities[0][1].item<double>(), 0.75, 1e-6);
  EXPECT_EQ(predictor.top(found.probabilities[0], 1)[0].name, "round");
  EXPECT_FALSE(found.values.defined());
}

TEST(PredictorOfNumbers, SamplesAreStandardisedAsThoseOfTheTraining) {
  NetworkTask task = of_numbers({1, 2}, "multi_label");
  task.classes = {"red", "round"};
  task.mean = {10, -1};
  task.std = {4, 0.5};
  const auto read_back = read(task);
  ASSERT_TRUE(read_back);
  EXPECT_EQ(read_back->mean, task.mean);
  EXPECT_EQ(read_back->std, task.std);
  class Flat : public Model {
   public:
    at::Tensor forward(const at::Tensor& inputs) override { return inputs.flatten(1); }
  };
  const Predictor predictor(std::make_shared<Flat>(), task, {.device = DeviceChoice::cpu});
  const at::Tensor samples = at::tensor({18.F, -1.F, 8.F, 0.F}).view({2, 1, 2});
  EXPECT_TRUE(
      predictor.predict(samples).logits.equal(at::tensor({2.F, 0.F, -0.5F, 2.F}).view({2, 2})));
  task.mean.pop_back();
  EXPECT_THROW((void)read(task), CheckpointError);
}

TEST(PredictorOfNumbers, InputsComeInTheDtypeThatTheModelNames) {
  NetworkTask task = of_numbers({3}, "classification");
  task.classes = {"a", "b"};
  for (const bool exact : {true, false}) {
    const auto model = std::make_shared<Affine>(3, 2, exact);
    const Predictor predictor(model, task,
                              {.device = DeviceChoice::cpu, .precision = Precision::fp32});
    (void)predictor.predict(at::ones({1, 3}));
    EXPECT_EQ(model->seen, exact ? at::kDouble : at::kFloat);
  }
}

TEST(PredictorOfNumbers, OneOutputASampleIsARow) {
  NetworkTask task = of_numbers({2}, "regression");
  task.targets = {{"price"}, {200}, {50}, {}};
  class First : public Model {
   public:
    at::Tensor forward(const at::Tensor& inputs) override { return inputs.select(1, 0); }
  };
  const Predictor predictor(std::make_shared<First>(), task, {.device = DeviceChoice::cpu});
  const at::Tensor values =
      predictor.predict(at::tensor({1.F, 9.F, -2.F, 9.F}).view({2, 2})).values;
  EXPECT_TRUE(values.equal(at::tensor({250.0, 100.0}).view({2, 1})));
}

TEST(Predictions, ASumThatOverflowsIsNoFault) {
  EXPECT_NO_THROW(check_predictions(at::full({2, 2}, 3e38F)));
  EXPECT_THAT(
      [] {
        check_predictions(at::tensor({1.F, 3e38F, NAN, 1.F}).view({2, 2}));
      },
      testing::ThrowsMessage<Error>(HasSubstr("first of them sample 1 ")));
}

TEST(PredictorOfNumbers, ATaskThatTellsSomethingElseIsRefused) {
  NetworkTask task = of_numbers({3}, "regression");
  task.classes = {"a", "b"};
  EXPECT_THAT([&] { (void)make_task(task, builtin_tasks()); },
              testing::ThrowsMessage<Error>(HasSubstr("regression tells values")));
}

}  // namespace
}  // namespace onecycle
