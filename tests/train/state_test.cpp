// Around the loop: its length, its limits, the scores and weights that it leaves.

#include "onecycle/error.h"

#include "data/tensor_bytes.h"
#include "formats/safetensors/safetensors.h"
#include "network/weights.h"
#include "support/temporary_folder.h"
#include "train/state/run_state.h"
#include "train/step/sums.h"
#include "train/support.h"

#include <cmath>
#include <cstring>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

namespace onecycle {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kNarrow = {"model={name: resnet8, width: 4}",
                                          "train.precision=bf16"};

std::string failure_of(const std::function<void()>& action) {
  try {
    action();
    return "";
  } catch (const CheckpointError& error) {
    return error.what();
  }
}

// Over the whole set at once, in double precision but for the forward pass.
Score naive_score(RecipeRun& run, const ImageSet& set) {
  const at::NoGradGuard no_grad;
  run.model->eval();
  const at::Tensor pixels = set.images.to(at::kDouble) / 255;
  const at::Tensor mean = at::tensor(run.data.mean).view({1, -1, 1, 1});
  const at::Tensor std = at::tensor(run.data.std).view({1, -1, 1, 1});
  const at::Tensor images = ((pixels - mean) / std).to(at::kFloat);
  const at::Tensor logits = run.model->forward(images).to(at::kDouble);
  const at::Tensor chosen = at::log_softmax(logits, 1).gather(1, set.labels.unsqueeze(1));
  run.model->train();
  return {-chosen.mean().item<double>(),
          {logits.argmax(1).eq(set.labels).to(at::kDouble).mean().item<double>()},
          set.size()};
}

TEST(Course, StepsOfEveryBatchSize) {
  const auto plan = [](const std::string& batch) {
    return plan_run(tiny_recipe({"data.batch_size=" + batch}), 80, Environment()).steps;
  };
  EXPECT_EQ(plan("all").total_batch, 80);
  EXPECT_EQ(plan("all").steps_per_epoch, 1);
  EXPECT_EQ(plan("1").steps_per_epoch, 80);
  EXPECT_EQ(plan("24").steps_per_epoch, 3);
  EXPECT_EQ(plan("24").total_steps, 6);
  EXPECT_EQ(plan("80").total_steps, 2);
  EXPECT_THROW(plan("81"), RecipeError);
  // A product beyond 64 bits.
  EXPECT_THROW(
      plan_steps(tiny_recipe({"train.accumulate=1000000000"}), std::int64_t{1} << 40, 1 << 20),
      RecipeError);
}

TEST(Course, DecayThatTurnsWeightsAround) {
  const auto build_with = [](const std::string& mode, const std::string& decay,
                             const std::string& groups = "[]") {
    tiny_run({"schedule={name: constant, lr: 0.5}", "optimizer.weight_decay_mode=" + mode,
              "optimizer.weight_decay=" + decay, "optimizer.groups=" + groups});
  };
  EXPECT_THROW(build_with("decoupled", "2"), RecipeError);
  EXPECT_NO_THROW(build_with("decoupled", "1.99"));
  EXPECT_THROW(build_with("independent", "1"), RecipeError);
  EXPECT_NO_THROW(build_with("independent", "0.99"));
  EXPECT_NO_THROW(build_with("l2", "2"));
  EXPECT_THROW(build_with("decoupled", "1.9", "[{match: layer1.weight, lr_scale: 1.1}]"),
               RecipeError);
}

TEST(Evaluate, EverySampleOnce) {
  for (const int size : {1, 37, 512, 513, 1100}) {
    auto run = tiny_run({"data.format.test=" + std::to_string(size)});
    Trainer(run).fit();
    const Score score = evaluate(run, *run.test, true);
    const Score naive = naive_score(run, run.data.test);
    EXPECT_EQ(score.samples, size);
    EXPECT_NEAR(score.loss, naive.loss, 1e-6 * naive.loss) << size;
    EXPECT_DOUBLE_EQ(score.metric(), naive.metric()) << size;
    EXPECT_TRUE(run.model->is_training());
  }
}

TEST(Evaluate, MastersWhereFullPrecisionIsAskedFor) {
  auto run = tiny_run(kNarrow);
  Trainer(run).fit();
  const auto before = state_of(run);
  const double full = evaluate(run, *run.test, true).loss;
  const double narrow = evaluate(run, *run.test, false).loss;
  EXPECT_TRUE(bitwise_equal(before, state_of(run)));
  EXPECT_NE(full, narrow);
  EXPECT_NEAR(full, narrow, 0.1);
  const Parameters::MasterScope masters(*run.parameters);
  EXPECT_NEAR(full, naive_score(run, run.data.test).loss, 1e-5);
}

TEST(Metrics, AsCountedByHand) {
  constexpr std::int64_t kClasses = 5;
  Sums sums(at::kCPU);
  const auto task = classification(kClasses);
  double loss = 0;
  std::int64_t correct = 0, samples = 0;
  at::manual_seed(1);
  for (int batch = 0; batch < 7; ++batch) {
    const at::Tensor logits = at::randn({9, kClasses});
    const at::Tensor labels = at::randint(-1, kClasses, {9});
    const float mean = 0.5f + static_cast<float>(batch);
    task->add(at::scalar_tensor(mean), logits, {logits, labels}, sums);
    for (std::int64_t i = 0; i < 9; ++i) {
      const auto label = labels[i].item<std::int64_t>();
      if (label < 0) continue;
      ++samples;
      loss += static_cast<double>(mean);
      correct += logits[i].argmax().item<std::int64_t>() == label;
    }
  }
  const Score score = score_between({}, sums.read(), *task);
  EXPECT_EQ(score.samples, samples);
  EXPECT_NEAR(score.loss, loss / static_cast<double>(samples), 1e-12);
  EXPECT_DOUBLE_EQ(score.metric(), static_cast<double>(correct) / static_cast<double>(samples));
  EXPECT_EQ(sums.read().first_bad, -1);
}

TEST(Metrics, TheFirstBadBatchIsKept) {
  Sums sums(at::kCPU);
  const at::Tensor logits = at::zeros({2, 3});
  const at::Tensor labels = at::zeros({2}, at::kLong);
  for (const double loss : {1.0, 2.0, HUGE_VAL, 1.0, std::nan("")})
    classification(3)->add(at::scalar_tensor(loss, at::kFloat), logits, {logits, labels}, sums);
  EXPECT_EQ(sums.read().first_bad, 2);
  EXPECT_EQ(sums.read().batches, 5);
}

TEST(Weights, RoundTrip) {
  const TemporaryFolder folder;
  const std::string path = folder / "weights.safetensors";
  for (const std::vector<std::string>& recipe :
       {std::vector<std::string>{}, kNarrow, {"train.precision=fp64"}}) {
    auto run = tiny_run(recipe);
    Trainer(run).fit();
    save_weights(path, *run.parameters);
    auto other = recipe;
    other.push_back("seed=9");
    auto loaded = tiny_run(other);
    EXPECT_FALSE(bitwise_equal(state_of(run), state_of(loaded)));
    load_weights(path, *loaded.parameters);
    EXPECT_TRUE(bitwise_equal(state_of(run), state_of(loaded)));
    for (const Parameter& parameter : loaded.parameters->all())
      EXPECT_TRUE(
          parameter.working.detach().equal(parameter.master.to(parameter.working.scalar_type())))
          << parameter.name;
    EXPECT_EQ(evaluate(loaded, *loaded.test, false).loss, evaluate(run, *run.test, false).loss);
  }
}

TEST(Weights, StoredAsPlainMasters) {
  const TemporaryFolder folder;
  const std::string path = folder / "weights.safetensors";
  auto run = tiny_run(kNarrow);
  save_weights(path, *run.parameters);
  const SafetensorsFile file(path);
  std::size_t found = 0;
  for (const StoredTensor& tensor : file.tensors())
    for (const Parameter& parameter : run.parameters->all())
      if (tensor.name == "model." + parameter.name) {
        ++found;
        EXPECT_EQ(tensor.dtype, "F32");
        const at::Tensor plain = parameter.master.contiguous();
        EXPECT_EQ(std::memcmp(tensor.data, plain.const_data_ptr(), tensor.bytes), 0) << tensor.name;
      }
  EXPECT_EQ(found, run.parameters->all().size());
}

TEST(Weights, OfAnotherModel) {
  const TemporaryFolder folder;
  const std::string path = folder / "weights.safetensors";
  auto wide = tiny_run({"model.hidden=[13]"});
  auto deep = tiny_run({"model.hidden=[12, 12]"});
  save_weights(path, *wide.parameters);
  const auto line = [&](const std::string& part) {
    return AllOf(testing::StartsWith(path + ": weights of another model"), HasSubstr(part),
                 Not(HasSubstr("\n")));
  };
  auto run = tiny_run();
  const auto before = state_of(run);
  EXPECT_THAT(failure_of([&] { load_weights(path, *run.parameters); }),
              line("layer1.weight (13x64 in the file, 12x64 in the model)"));
  EXPECT_THAT(failure_of([&] { load_weights(path, *deep.parameters); }),
              line("not in the file: layer3.weight, layer3.bias"));
  save_weights(path, *deep.parameters);
  EXPECT_THAT(failure_of([&] { load_weights(path, *run.parameters); }),
              line("not in the model: layer3.bias, layer3.weight"));
  EXPECT_TRUE(bitwise_equal(before, state_of(run)));
}

TEST(Weights, ThatAreNoNumbersAreNamed) {
  const TemporaryFolder folder;
  auto run = tiny_run();
  const std::string path = folder / "w.safetensors";
  const auto failure = [&] {
    save_weights(path, *run.parameters);
    auto other = tiny_run();
    const auto before = state_of(other);
    const std::string why = failure_of([&] { load_weights(path, *other.parameters); });
    EXPECT_TRUE(bitwise_equal(before, state_of(other)));
    return why;
  };
  at::Tensor bias = run.parameters->all().back().master;
  const std::string name = "model." + run.parameters->all().back().name;
  for (const auto& [value, what] : {std::pair(NAN, "NaN"), std::pair(INFINITY, "an infinite value"),
                                    std::pair(-INFINITY, "an infinite value")}) {
    bias[1].fill_(value);
    EXPECT_THAT(failure(),
                AllOf(HasSubstr(path + ": "), HasSubstr(name.substr(6) + " holds " + what)));
  }
}

TEST(Weights, NumbersOfEveryTypeAreLookedAt) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const at::Tensor tensor = at::ones({3, 5}, type).t();
    EXPECT_EQ(failure_of([&] { check_finite("a", tensor, type); }), "");
    tensor[2][1].fill_(NAN);
    EXPECT_THAT(failure_of([&] { check_finite("a", tensor, type); }), HasSubstr("a holds NaN"));
  }
  const at::Tensor large = at::full({2}, 1e300, at::kDouble);
  EXPECT_EQ(failure_of([&] { check_finite("a", large, at::kDouble); }), "");
  EXPECT_THAT(failure_of([&] { check_finite("a", large, at::kFloat); }), HasSubstr("infinite"));
  EXPECT_EQ(failure_of([&] { check_finite("a", at::empty({0}), at::kFloat); }), "");
}

// What a state of a run counts with; each is what an honest one cannot say.
TEST(State, EveryNumberIsChecked) {
  RunState sound;
  sound.steps = 7;
  sound.seconds = 2;
  sound.scale.emplace();
  sound.train = Score{0.5, {0.5}, 10};
  sound.curve = {{1, 0.1, 0.5, 0.5}};
  EXPECT_EQ(run_state_from_json(to_json(sound), "x").steps, 7);
  const auto refused = [&](const std::string& field, const std::function<void(RunState&)>& spoil) {
    RunState state = sound;
    spoil(state);
    EXPECT_THAT(
        failure_of([&] { (void)run_state_from_json(to_json(state), "x.safetensors"); }),
        AllOf(HasSubstr("x.safetensors: its state says " + field + ": "), Not(HasSubstr("\n"))));
  };
  refused("steps", [](RunState& state) { state.steps = -3; });
  refused("steps", [](RunState& state) { state.steps = std::numeric_limits<std::int64_t>::max(); });
  refused("total_batch", [](RunState& state) { state.total_batch = -1; });
  refused("sums", [](RunState& state) { state.sums.samples = -1; });
  refused("sums", [](RunState& state) { state.sums.weight = -1; });
  refused("logged", [](RunState& state) { state.logged.batches = -1; });
  refused("evaluated", [](RunState& state) { state.evaluated.first_bad = -2; });
  refused("loss_scale", [](RunState& state) { state.scale->scale = 0; });
  refused("seconds", [](RunState& state) { state.seconds = -1; });
  refused("evaluation_seconds", [](RunState& state) { state.evaluation_seconds = 3; });
  refused("lr_scale", [](RunState& state) { state.lr_scale = 0; });
  refused("retries", [](RunState& state) { state.retries = -1; });
  refused("a score's metrics", [](RunState& state) { state.train->metrics.resize(9); });
  refused("course, epoch", [](RunState& state) { state.curve[0].epoch = -1; });
}

TEST(State, SumsOfWeightsAreKept) {
  RunState state;
  state.sums.loss = 3;
  EXPECT_THAT(to_json(state), HasSubstr(R"("sums":[3.0,0,)")) << "as before there were weights";
  state.sums.weight = 2.5;
  state.sums.own[7] = 4;
  const RunState read = run_state_from_json(to_json(state), "x");
  EXPECT_EQ(read.sums.loss, 3);
  EXPECT_EQ(read.sums.weight, 2.5);
  EXPECT_EQ(read.sums.own[7], 4);
  EXPECT_EQ(read.logged.weight, 0);
}

TEST(Weights, PartialTakesWhatFits) {
  const TemporaryFolder folder;
  const std::string path = folder / "weights.safetensors";
  auto source = tiny_run({"model.hidden=[12, 12]"});
  Snapshot plain;  // names of another program's file: rules leave those of checkpoints alone
  copy_out(model_tensors(*source.parameters), "", plain);
  write_checkpoint(path, plain);
  const std::string file = "weights.file=" + path;
  EXPECT_THAT(failure_of([&] { tiny_run({file}); }), HasSubstr("weights of another model"));
  const auto fresh = tiny_run({"seed=3"});
  const auto run = tiny_run({file, "weights.match=partial", "seed=3"});
  ASSERT_TRUE(run.weights.has_value());
  EXPECT_EQ(run.weights->loaded, 2u);
  EXPECT_THAT(run.weights->text(), HasSubstr("2 tensors loaded; as initialised: layer2."));
  EXPECT_THAT(run.weights->text(), HasSubstr("not used: layer3."));
  const auto tensors = model_tensors(*run.parameters);
  EXPECT_TRUE(
      tensors.at("layer1.weight").equal(model_tensors(*source.parameters).at("layer1.weight")));
  EXPECT_TRUE(
      tensors.at("layer2.weight").equal(model_tensors(*fresh.parameters).at("layer2.weight")));
  const auto narrow = tiny_run(
      {file, "train.precision=bf16",
       R"(weights.rename=[{from: "^layer2\\.", to: "old."}, {from: layer3., to: layer2.}])",
       "weights.match=partial"});
  EXPECT_EQ(narrow.weights->loaded, 4u);
  EXPECT_TRUE(narrow.weights->left.empty());
  for (const Parameter& parameter : narrow.parameters->all())
    EXPECT_TRUE(
        parameter.working.detach().equal(parameter.master.to(parameter.working.scalar_type())))
        << parameter.name;
}

TEST(Weights, DamagedFilesChangeNothing) {
  const TemporaryFolder folder;
  const std::string path = folder / "weights.safetensors";
  auto run = tiny_run();
  save_weights(path, *run.parameters);
  const std::string bytes = read_bytes(path);
  for (at::Tensor& parameter : run.model->parameters()) parameter.detach().add_(1);
  const auto before = state_of(run);
  std::string other_type = bytes;
  other_type.replace(other_type.rfind("\"F32\""), 5, "\"I32\"");
  for (const std::string& damaged :
       {bytes.substr(0, bytes.size() - 1), bytes.substr(0, 30), "PK" + bytes, other_type}) {
    write_bytes(path, damaged);
    EXPECT_THAT(failure_of([&] { load_weights(path, *run.parameters); }),
                AllOf(HasSubstr(path), Not(HasSubstr("\n"))));
    EXPECT_TRUE(bitwise_equal(before, state_of(run)));
  }
}

}  // namespace
}  // namespace onecycle
