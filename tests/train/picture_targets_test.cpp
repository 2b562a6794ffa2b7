// Pictures with values or labels from a list: trained on, evaluated, and predicted from files.

#include "onecycle/predict.h"
#include "onecycle/predictor.h"

#include "data/picture_files.h"
#include "train/support.h"

#include <cmath>

namespace onecycle {
namespace {

const std::vector<std::string> kNames = {"png-rgb", "png-palette", "png-rgba", "png-grey"};

class PictureTargets : public testing::Test {
 protected:
  PictureTargets() {
    for (const std::string& name : kNames) {
      folder.write("pictures/" + name + ".png", golden_file(name));
      files.push_back(folder / ("pictures/" + name + ".png"));
    }
  }

  // `targets`: of each picture, as a cell has it.
  RecipeRun trained(const std::vector<std::string>& targets, const std::string& task,
                    const std::string& more = "") {
    std::string csv = "image,target\n";
    for (std::size_t i = 0; i < kNames.size(); ++i) csv += kNames[i] + ".png," + targets[i] + "\n";
    folder.write_text("list.csv", csv);
    folder.write_text("test.csv", csv);
    RecipeRun run = tiny_run(
        {"data.format={name: image_list, train: list.csv, test: test.csv, folder: pictures, "
         "size: 8" +
             more + "}",
         "data.dir=" + folder.path(), "data.validation=0", "data.batch_size=2",
         "data.augment={flip: true, mixup: 0.4}", "task={name: " + task + "}", "train.duration=4ep",
         "schedule.lr_max=0.01"});
    Trainer(run).fit();
    return run;
  }

  static Predictor predictor_of(const RecipeRun& run) {
    return {run.model, task_of(run, Environment()), {DeviceChoice::cpu}};
  }

  TemporaryFolder folder;
  std::vector<std::string> files;
};

TEST_F(PictureTargets, ValuesArePredictedInTheirUnits) {
  RecipeRun run = trained({"100", "250", "130", "200"}, "regression");
  const Prediction found = predict(run, *run.test);
  ASSERT_EQ(found.probabilities.sizes(), at::IntArrayRef({4, 1}));
  const at::Tensor targets = at::tensor({100., 250., 130., 200.}, at::kDouble).view({4, 1});
  const at::Tensor errors = found.probabilities.to(at::kDouble) - targets;
  const double rmse = std::sqrt(errors.square().mean().item<double>());
  EXPECT_NEAR(found.score.metrics.at(0), rmse, 1e-4 * rmse);
  EXPECT_NEAR(found.score.metrics.at(1), errors.abs().mean().item<double>(), 1e-4 * rmse);
  const at::Tensor values = predictor_of(run).predict(files).values;
  EXPECT_TRUE(values.allclose(found.probabilities.to(at::kDouble), 1e-5, 1e-3));
}

TEST_F(PictureTargets, LabelsArePredictedByName) {
  RecipeRun run = trained({"b a", "b", "", "a"}, "multi_label", ", label_separator: ' '");
  EXPECT_EQ(run.data.classes, (std::vector<std::string>{"a", "b"}));
  const Prediction found = predict(run, *run.test);
  ASSERT_EQ(found.probabilities.sizes(), at::IntArrayRef({4, 2}));
  const at::Tensor p = found.probabilities.to(at::kDouble);
  const at::Tensor truth = at::tensor({1., 1., 0., 1., 0., 0., 1., 0.}, at::kDouble).view({4, 2});
  const double loss = -(truth * p.log() + (1 - truth) * (1 - p).log()).mean().item<double>();
  EXPECT_NEAR(found.score.loss, loss, 1e-4);
  const Predictor predictor = predictor_of(run);
  const at::Tensor told = predictor.predict(files).probabilities;
  EXPECT_TRUE(told.to(at::kDouble).allclose(p, 1e-5, 1e-5));
  const bool first = p[1][0].item<double>() >= p[1][1].item<double>();
  EXPECT_EQ(predictor.top(told[1], 1).at(0).name, first ? "a" : "b");
}

}  // namespace
}  // namespace onecycle
