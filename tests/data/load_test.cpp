#include "data_test_support.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

class Loading : public testing::Test {
 protected:
  Loading() {
    Bytes pixels;
    Bytes labels;
    for (int i = 0; i < 200; ++i) {
      pixels.push_back(static_cast<std::uint8_t>(i));  // a sample's pixel names it
      labels.push_back(static_cast<std::uint8_t>(i % 4));
    }
    folder.write("a", idx(0x08, {200, 1, 1}, pixels));
    folder.write("b", idx(0x08, {200}, labels));
    folder.write("c", idx(0x08, {4, 1, 1}, {1, 2, 3, 4}));
    folder.write("d", idx(0x08, {4}, {0, 1, 2, 3}));
    descriptor = idx_descriptor(folder);
  }
  DataSet load() const { return load_data(options, descriptor); }
  static std::set<int> names(const ImageSet& set) {
    std::set<int> result;
    for (std::int64_t i = 0; i < set.size(); ++i) result.insert(set.images[i].item<int>());
    return result;
  }

  TemporaryFolder folder;
  DataOptions options;
  DatasetDescriptor descriptor;
};

TEST_F(Loading, HoldsOutATenthByDefault) {
  const DataSet data = load();
  EXPECT_EQ(data.validation.size(), 20);
  EXPECT_EQ(data.train.size(), 180);
  EXPECT_EQ(data.test.size(), 4);
}

TEST_F(Loading, PartsAreDisjointAndComplete) {
  options.validation = 50;
  const DataSet data = load();
  std::set<int> all = names(data.train);
  EXPECT_EQ(all.size(), 150u);
  const std::set<int> held_out = names(data.validation);
  EXPECT_EQ(held_out.size(), 50u);
  all.insert(held_out.begin(), held_out.end());
  EXPECT_EQ(all.size(), 200u);
  for (const ImageSet* set : {&data.train, &data.validation})
    for (std::int64_t i = 0; i < set->size(); ++i)
      EXPECT_EQ(set->labels[i].item<int>(), set->images[i].item<int>() % 4);
}

TEST_F(Loading, TheHeldOutPartIsMixed) {
  options.validation = 50;
  const std::set<int> held_out = names(load().validation);
  EXPECT_LT(*held_out.begin(), 20);
  EXPECT_GT(*held_out.rbegin(), 180);
}

TEST_F(Loading, LimitLeavesTheValidationPartAlone) {
  options.validation = 50;
  const std::set<int> held_out = names(load().validation);
  options.limit = 30;
  const DataSet small = load();
  EXPECT_EQ(small.train.size(), 30);
  EXPECT_EQ(names(small.validation), held_out);
  options.limit = 60;
  const std::set<int> larger = names(load().train), smaller = names(small.train);
  EXPECT_TRUE(std::includes(larger.begin(), larger.end(), smaller.begin(), smaller.end()));
  options.limit = 1000;
  EXPECT_EQ(load().train.size(), 150);
}

TEST_F(Loading, ValidationThatLeavesNothing) {
  options.validation = 200;
  EXPECT_EQ(data_error(options, descriptor),
            "data.validation: 200 samples held out leave none of the 200 in the training split to "
            "train on; use fewer");
}

TEST_F(Loading, FewerSamplesThanTheDataSetHas) {
  descriptor.train_samples = 201;
  EXPECT_EQ(data_error(options, descriptor),
            "small, training split (a, b): 200 samples, but the data set has 201; get the files "
            "again");
}

TEST_F(Loading, ThePlanIsWhatLoadingGives) {
  EXPECT_EQ(planned_train_samples(options, descriptor), std::nullopt);
  descriptor.train_samples = 200;
  for (const auto& [validation, limit] :
       std::vector<std::pair<std::optional<std::int64_t>, std::optional<std::int64_t>>>{
           {std::nullopt, std::nullopt}, {0, std::nullopt}, {50, 30}, {150, 100}}) {
    options.validation = validation;
    options.limit = limit;
    EXPECT_EQ(planned_train_samples(options, descriptor), load().train.size());
  }
  options.validation = 200;
  EXPECT_THROW(planned_train_samples(options, descriptor), FieldError);
}

TEST_F(Loading, BatchLargerThanTheSet) {
  EXPECT_EQ((BatchSize{128, false}.of(128)), 128);
  EXPECT_EQ((BatchSize{0, true}.of(77)), 77);
  try {
    BatchSize{129, false}.of(128);
    ADD_FAILURE();
  } catch (const FieldError& error) {
    EXPECT_STREQ(error.what(),
                 "data.batch_size: 129 is more than the 128 samples of the training part; use at "
                 "most 128, or all");
  }
}

TEST_F(Loading, MeasuresMeanAndStdOfTheTrainingPart) {
  options.validation = 0;
  const DataSet data = load();
  const at::Tensor pixels = at::arange(200, at::kDouble) / 255;
  EXPECT_NEAR(data.mean.at(0), pixels.mean().item<double>(), 1e-15);
  EXPECT_NEAR(data.std.at(0), pixels.std(/*unbiased=*/false).item<double>(), 1e-14);
}

TEST_F(Loading, NormalisationComesFromTheRecipeThenTheDescriptor) {
  descriptor.mean = {0.4};
  descriptor.std = {0.3};
  EXPECT_EQ(load().mean, std::vector<double>{0.4});
  options.mean = {0.1};
  options.std = {0.2};
  EXPECT_EQ(load().mean, std::vector<double>{0.1});
  EXPECT_EQ(load().std, std::vector<double>{0.2});
  options.normalise = Normalise::none;
  EXPECT_EQ(load().mean, std::vector<double>{0});
  EXPECT_EQ(load().std, std::vector<double>{1});
}

TEST_F(Loading, NormalisationOfOtherChannels) {
  options.mean = options.std = {0.5, 0.5, 0.5};
  EXPECT_EQ(data_error(options, descriptor),
            "data.mean: 3 values, but the images have 1 channels; give one per channel");
}

TEST_F(Loading, AChannelOfOneColourIsNotDividedByZero) {
  folder.write("a", idx(0x08, {200, 1, 1}, Bytes(200, 9)));
  EXPECT_EQ(load().std, std::vector<double>{1});
}

TEST_F(Loading, UnknownFormatNamesTheKnownOnes) {
  descriptor.format.name = "parquet";
  EXPECT_THROW(load(), FieldError);
}

TEST_F(Loading, Description) {
  options.validation = 0;
  descriptor.classes = {"a", "b", "c", "d"};
  const DataSummary summary = describe_data(load());
  EXPECT_EQ(summary.name, "small");
  EXPECT_EQ(summary.type, "uint8");
  EXPECT_EQ(summary.height, 1);
  ASSERT_EQ(summary.splits.size(), 2u);  // no validation part
  EXPECT_EQ(summary.splits[0].name, "train");
  EXPECT_EQ(summary.splits[0].per_class, (std::vector<std::int64_t>{50, 50, 50, 50}));
  EXPECT_EQ(summary.splits[1].samples, 4);
  EXPECT_NEAR(summary.splits[1].statistics.mean.at(0), 2.5 / 255, 1e-15);
}

TEST(ChannelStatistics, EqualATens) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(3);
  for (const auto type : {at::kByte, at::kFloat}) {
    const at::Tensor images = at::randint(0, 256, {50, 3, 4, 5}, generator, at::kByte).to(type);
    const ChannelStatistics measured = channel_statistics(images);
    const at::Tensor wide = images.to(at::kDouble) / (type == at::kByte ? 255.0 : 1.0);
    for (int c = 0; c < 3; ++c) {
      const at::Tensor channel = wide.select(1, c);
      const auto at_c = static_cast<std::size_t>(c);
      EXPECT_NEAR(measured.mean[at_c], channel.mean().item<double>(), 1e-10);
      EXPECT_NEAR(measured.std[at_c], channel.std(/*unbiased=*/false).item<double>(), 1e-10);
    }
  }
}

// Labels are pixel % 4; the classes are named 0 to 3.
TEST_F(Loading, KeepsTheChosenClassesInTheirOrder) {
  options.validation = 10;
  options.classes = {"3", "1"};
  const DataSet data = load();
  EXPECT_EQ(data.classes, options.classes);
  EXPECT_EQ(data.train.size(), 90);
  EXPECT_EQ(data.validation.size(), 10);
  EXPECT_EQ(names(data.test), (std::set<int>{2, 4}));
  for (const ImageSet* set : {&data.train, &data.validation})
    for (std::int64_t i = 0; i < set->size(); ++i)
      EXPECT_EQ(set->labels[i].item<int>(), set->images[i].item<int>() % 4 == 3 ? 0 : 1);
  EXPECT_EQ(data.test.labels[0].item<int>(), 1);
  EXPECT_EQ(data.test.labels[1].item<int>(), 0);
}

TEST_F(Loading, ClassesThatCannotBeChosen) {
  const auto message = [&](const std::vector<std::string>& classes) -> std::string {
    options.classes = classes;
    try {
      load();
    } catch (const FieldError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message({"0", "7"}), "data.classes: no class '7'; the data set has 0, 1, 2, 3");
  EXPECT_EQ(message({"2", "1", "2"}), "data.classes: '2' is given twice");
}

}  // namespace
}  // namespace onecycle
